/**
 * What the demonstration shows: lines of text, and below them one line that changes. On a terminal that line is rewritten in
 * place; elsewhere (a pipe, a log) it is a new line now and then, and only when there is something new.
 */
import type { Clock } from '../base/clock.ts';

/** Of a stream what is used here: `process.stdout` is one. */
export interface Output {
  readonly isTTY?: boolean;
  /** The terminal's width. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** Back to the first column, and everything behind it gone: also the `^C` that a terminal echoes. */
const CLEAR_LINE = '\r\x1b[K';
/** Between two lines elsewhere. */
const LINE_INTERVAL_MS = 10_000;
/** Of a terminal that does not tell. */
const COLUMNS_DEFAULT = 80;

export class Display {
  readonly #output: Output;
  readonly #clock: Clock;
  #liveLine = '';
  #shownVersion = 0;
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  get isTerminal(): boolean {
    return this.#output.isTTY === true;
  }

  /** A line, or several, above the one that changes; the text ends with a newline. */
  print(text: string): void {
    if (this.#liveLine === '') this.#output.write(text);
    else this.#output.write(`${CLEAR_LINE}${text}${this.#liveLine}`);
  }

  /** The line that changes; `version` is another number, 1 or more, where it says something new. */
  show(line: string, version: number): void {
    if (this.isTerminal) {
      // A line that wraps cannot be rewritten.
      const fitting = line.slice(0, (this.#output.columns ?? COLUMNS_DEFAULT) - 1);
      if (fitting === this.#liveLine) return;
      this.#liveLine = fitting;
      this.#output.write(`${CLEAR_LINE}${fitting}`);
      return;
    }
    const nowMs = this.#clock.nowMs();
    if (version === this.#shownVersion || nowMs - this.#shownAtMs < LINE_INTERVAL_MS) return;
    this.#shownVersion = version;
    this.#shownAtMs = nowMs;
    this.#output.write(`${line}\n`);
  }

  /** The last line, in place of the one that changes. */
  end(line: string): void {
    this.#output.write(`${this.isTerminal ? CLEAR_LINE : ''}${line}\n`);
    this.#liveLine = '';
  }
}
