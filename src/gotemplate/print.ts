/**
 * Go's fmt.Sprint, Sprintln and Sprintf. Widths and precisions are bounded, so that a verb cannot make a text of any size.
 */
import { decodeRune, encodeRune } from './octet-string.ts';
import { BoundError, type GoValue, typeOf } from './value.ts';
import { applyVerb, PLAIN, type Verb } from './verb.ts';

/** Octets of one printed text: four for each octet of the largest DNS message, as `\DDD` spells it. */
export const TEXT_SIZE_MAX = 4 * 65_536;

/** A value as `{{...}}` prints it. */
export function printedValue(value: GoValue): string {
  if (value.kind === 'none') return '<no value>';
  const text = applyVerb(PLAIN, value);
  // Of a pointer, what it points to.
  return value.kind === 'struct' && value.text === undefined ? text.slice(1) : text;
}

/** Operands side by side, with a space where neither is a string. */
export function sprint(values: readonly GoValue[]): string {
  let text = '';
  for (const [index, value] of values.entries()) {
    const previous = values[index - 1];
    const isSpaced = previous !== undefined && previous.kind !== 'string';
    if (isSpaced && value.kind !== 'string') text += ' ';
    text += applyVerb(PLAIN, value);
  }
  return checkedSize(text);
}

export function sprintln(values: readonly GoValue[]): string {
  return checkedSize(`${values.map((value) => applyVerb(PLAIN, value)).join(' ')}\n`);
}

export function checkedSize(text: string): string {
  if (text.length > TEXT_SIZE_MAX)
    throw new BoundError(`text of more than ${TEXT_SIZE_MAX} octets`);
  return text;
}

export function sprintf(format: string, values: readonly GoValue[]): string {
  return checkedSize(new Formatter(format, values).run());
}

/** `[n]`, the argument that comes next; `.`; `*`; a number; a verb of any code point. */
const INDEX = /\[([^\]]*)\]/y;
const FLAGS = /[-+# 0]*/y;
const NUMBER = /\d+/y;

class Formatter {
  readonly #format: string;
  readonly #values: readonly GoValue[];
  #at = 0;
  #argument = 0;
  /** Whether `[n]` stood anywhere: then nobody counts what is left over. */
  #isReordered = false;
  #isBadIndex = false;
  #size = 0;

  constructor(format: string, values: readonly GoValue[]) {
    this.#format = format;
    this.#values = values;
  }

  run(): string {
    let out = '';
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at);
      const end = percent < 0 ? this.#format.length : percent;
      const piece = this.#format.slice(this.#at, end);
      this.#at = end + 1;
      const verb = percent < 0 ? '' : this.#verb();
      out += piece + verb;
      this.#size += piece.length + verb.length;
      if (this.#size > TEXT_SIZE_MAX) break;
    }
    return out + this.#extra();
  }

  #extra(): string {
    if (this.#isReordered || this.#argument >= this.#values.length) return '';
    const rest = this.#values.slice(this.#argument).map((value) => {
      return value.kind === 'none' ? '<nil>' : `${typeOf(value)}=${applyVerb(PLAIN, value)}`;
    });
    return `%!(EXTRA ${rest.join(', ')})`;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#format);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  /** One verb behind its `%`. */
  #verb(): string {
    this.#isBadIndex = false;
    const flags = this.#match(FLAGS)![0];
    this.#index();
    let problem = '';
    let minus = flags.includes('-');
    let width: number | undefined;
    if (this.#format[this.#at] === '*') {
      width = this.#star();
      if (width === undefined) problem += '%!(BADWIDTH)';
      if (width !== undefined && width < 0) {
        minus = true;
        width = -width;
      }
    } else {
      width = this.#number();
    }
    const { precision, problem: precisionProblem } = this.#precision();
    problem += precisionProblem;
    this.#index();
    if (this.#at >= this.#format.length) return `${problem}%!(NOVERB)`;
    const { rune, size } = decodeRune(this.#format, this.#at);
    this.#at += size;
    return problem + this.#apply(encodeRune(rune), { flags, minus, width, precision });
  }

  #precision(): { precision: number | undefined; problem: string } {
    if (this.#format[this.#at] !== '.') return { precision: undefined, problem: '' };
    this.#at += 1;
    this.#index();
    if (this.#format[this.#at] !== '*') return { precision: this.#number() ?? 0, problem: '' };
    const precision = this.#star();
    if (precision === undefined) return { precision, problem: '%!(BADPREC)' };
    return { precision: precision < 0 ? undefined : precision, problem: '' };
  }

  #apply(
    letter: string,
    shape: {
      flags: string;
      minus: boolean;
      width?: number | undefined;
      precision?: number | undefined;
    },
  ): string {
    if (letter === '%') return '%';
    if (this.#isBadIndex) return `%!${letter}(BADINDEX)`;
    const value = this.#values[this.#argument];
    if (value === undefined) return `%!${letter}(MISSING)`;
    this.#argument += 1;
    const { flags, minus, width, precision } = shape;
    const verb: Verb = {
      letter,
      // `%+v` names the fields of structs and signs no number.
      plus: flags.includes('+') && letter !== 'v',
      names: flags.includes('+') && letter === 'v',
      minus,
      sharp: flags.includes('#'),
      space: flags.includes(' '),
      zero: flags.includes('0'),
      width,
      precision,
    };
    return applyVerb(verb, value);
  }

  /** `[n]` chooses the next argument. */
  #index(): void {
    if (this.#format[this.#at] !== '[') return;
    this.#isReordered = true;
    const match = this.#match(INDEX);
    if (match === null) this.#at += 1;
    const index = /^\d+$/.test(match?.[1] ?? '') ? Number(match![1]) : 0;
    if (index >= 1 && index <= this.#values.length) this.#argument = index - 1;
    else this.#isBadIndex = true;
  }

  #number(): number | undefined {
    const match = this.#match(NUMBER);
    return match === null ? undefined : bounded(Number(match[0]));
  }

  /** An integer among the arguments; undefined where it is none. */
  #star(): number | undefined {
    this.#at += 1;
    const value = this.#values[this.#argument];
    this.#argument += 1;
    if (value?.kind !== 'int' && value?.kind !== 'uint') return undefined;
    const number = Number(value.value);
    const star = Math.abs(number) > 1e6 ? undefined : bounded(number);
    this.#index();
    return star;
  }
}

function bounded(size: number): number {
  if (Math.abs(size) > TEXT_SIZE_MAX) throw new BoundError(`width of more than ${TEXT_SIZE_MAX}`);
  return size;
}
