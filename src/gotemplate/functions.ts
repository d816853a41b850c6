/**
 * The functions that Go's text/template has by itself, but for `and` and `or`, which the evaluator knows (they may leave
 * arguments unevaluated), and `call`: no value of ours is a function.
 */
import { compareEqual, compareLess } from './comparison.ts';
import { decodeRune, encodeRune, isPrintable, REPLACEMENT } from './octet-string.ts';
import { checkedSize, printedValue, sprint, sprintf, sprintln } from './print.ts';
import {
  boolValue,
  CallError,
  type GoFunction,
  type GoValue,
  intValue,
  isTrue,
  octetValue,
  typeOf,
  uintValue,
  zeroOf,
} from './value.ts';

function index([item, ...indexes]: readonly GoValue[]): GoValue {
  let at = item!;
  if (at.kind === 'none') throw new CallError('index of untyped nil');
  for (const key of indexes) at = indexOnce(at, key);
  return at;
}

function indexOnce(item: GoValue, key: GoValue): GoValue {
  switch (item.kind) {
    case 'nil':
    case 'none':
      throw new CallError('index of nil pointer');
    case 'slice': {
      const at = indexOf(key, item.items.length);
      return item.items[at] ?? failRange('slice');
    }
    case 'string': {
      const at = indexOf(key, item.value.length);
      if (at === item.value.length) failRange('string');
      return uintValue(item.value.charCodeAt(at), 8);
    }
    case 'map': {
      if (key.kind === 'none') throw new CallError('value is nil; should be of type string');
      if (key.kind !== 'string') {
        throw new CallError(`value has type ${typeOf(key)}; should be string`);
      }
      return item.entries.get(key.value) ?? zeroOf(item.element);
    }
    default:
      throw new CallError(`can't index item of type ${pointedTo(item)}`);
  }
}

/** Go looks at what a pointer points to. */
function pointedTo(value: GoValue): string {
  return typeOf(value).replace(/^\*/, '');
}

/** Go lets the length itself pass as an index, and its runtime complain. */
function failRange(what: 'slice' | 'string'): never {
  throw new CallError(`reflect: ${what} index out of range`);
}

function indexOf(key: GoValue, size: number): number {
  if (key.kind === 'none') throw new CallError('cannot index slice/array with nil');
  if (key.kind !== 'int' && key.kind !== 'uint') {
    throw new CallError(`cannot index slice/array with type ${typeOf(key)}`);
  }
  if (key.value < 0n || key.value > BigInt(size)) {
    throw new CallError(`index out of range: ${key.value}`);
  }
  return Number(key.value);
}

function slice([item, ...indexes]: readonly GoValue[]): GoValue {
  if (item!.kind === 'none') throw new CallError('slice of untyped nil');
  if (item!.kind === 'nil') throw new CallError('slice of nil pointer');
  if (indexes.length > 3) throw new CallError(`too many slice indexes: ${indexes.length}`);
  if (item!.kind === 'string') {
    if (indexes.length === 3) throw new CallError('cannot 3-index slice a string');
    const [start, end] = bounds(indexes, item!.value.length);
    return octetValue(item!.value.slice(start, end));
  }
  if (item!.kind !== 'slice') throw new CallError(`can't slice item of type ${pointedTo(item!)}`);
  const [start, end] = bounds(indexes, item!.items.length);
  return { ...item!, items: item!.items.slice(start, end) };
}

function bounds(indexes: readonly GoValue[], size: number): [start: number, end: number] {
  const [start = 0, end = size, capacity] = indexes.map((value) => indexOf(value, size));
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`);
  if (capacity !== undefined && end > capacity) {
    throw new CallError(`invalid slice index: ${end} > ${capacity}`);
  }
  return [start, end];
}

function length([item]: readonly GoValue[]): GoValue {
  switch (item!.kind) {
    case 'slice':
      return intValue(item!.items.length);
    case 'map':
      return intValue(item!.entries.size);
    case 'string':
      return intValue(item!.value.length);
    case 'nil':
      throw new CallError('len of nil pointer');
    case 'none':
      throw new CallError('reflect: call of reflect.Value.Type on zero Value');
    default:
      throw new CallError(`len of type ${pointedTo(item!)}`);
  }
}

/** What `html`, `js` and `urlquery` escape: the arguments as fmt.Sprint has them, no value included. */
function argumentText(values: readonly GoValue[]): string {
  const shown = values.map((value) => {
    return value.kind === 'none' ? octetValue(printedValue(value)) : value;
  });
  return sprint(shown);
}

const HTML: Readonly<Record<string, string>> = {
  '\0': encodeRune(REPLACEMENT),
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

function escapeHtml(octets: string): string {
  return octets.replace(/[\0"'&<>]/g, (octet) => HTML[octet]!);
}

function escapeJs(octets: string): string {
  let out = '';
  for (let at = 0; at < octets.length; ) {
    const { rune, size } = decodeRune(octets, at);
    const character = octets.slice(at, at + size);
    at += size;
    if ('\\\'"'.includes(character)) out += `\\${character}`;
    else if (rune < 0x20 || '<>&='.includes(character)) out += `\\u00${hexPair(rune)}`;
    else if (rune < 0x80 || (isPrintable(rune) && size > 1)) out += character;
    else out += `\\u${rune.toString(16).toUpperCase().padStart(4, '0')}`;
  }
  return out;
}

function hexPair(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

/** Of a form's query: a space is a plus. */
function escapeQuery(octets: string): string {
  return octets
    .replace(/[^\w.~ -]/g, (octet) => `%${hexPair(octet.charCodeAt(0))}`)
    .replaceAll(' ', '+');
}

function escaping(apply: (octets: string) => string): GoFunction {
  const call = (values: readonly GoValue[]) => {
    return octetValue(checkedSize(apply(argumentText(values))));
  };
  return { parameters: [], rest: 'any', call };
}

function printing(print: (values: readonly GoValue[]) => string): GoFunction {
  return { parameters: [], rest: 'any', call: (values) => octetValue(print(values)) };
}

function comparing(compare: (left: GoValue, right: GoValue) => boolean): GoFunction {
  const call = ([left, right]: readonly GoValue[]) => boolValue(compare(left!, right!));
  return { parameters: ['any', 'any'], call };
}

function equalsAny([first, ...others]: readonly GoValue[]): GoValue {
  if (others.length === 0) throw new CallError('missing argument for comparison');
  return boolValue(others.some((other) => compareEqual(first!, other)));
}

const lessOrEqual = (left: GoValue, right: GoValue) =>
  compareLess(left, right) || compareEqual(left, right);

export const BUILTINS: ReadonlyMap<string, GoFunction> = new Map<string, GoFunction>([
  ['html', escaping(escapeHtml)],
  ['js', escaping(escapeJs)],
  ['urlquery', escaping(escapeQuery)],
  ['index', { parameters: ['any'], rest: 'any', call: index }],
  ['slice', { parameters: ['any'], rest: 'any', call: slice }],
  ['len', { parameters: ['any'], call: length }],
  ['not', { parameters: ['any'], call: ([value]) => boolValue(!isTrue(value!)) }],
  ['print', printing(sprint)],
  ['println', printing(sprintln)],
  [
    'printf',
    {
      parameters: ['string'],
      rest: 'any',
      call: ([format, ...values]) => {
        return octetValue(sprintf(format!.kind === 'string' ? format!.value : '', values));
      },
    },
  ],
  ['eq', { parameters: ['any'], rest: 'any', call: equalsAny }],
  ['ne', comparing((left, right) => !compareEqual(left, right))],
  ['lt', comparing(compareLess)],
  ['le', comparing(lessOrEqual)],
  ['gt', comparing((left, right) => !lessOrEqual(left, right))],
  ['ge', comparing((left, right) => !compareLess(left, right))],
]);
