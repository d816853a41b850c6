/**
 * How many log lines of one kind may be written in a second; the rest are counted, and told of in one line at the end of
 * the second. So a flood of failures neither fills a disk nor keeps the event loop from serving.
 */
import type { Clock } from './clock.ts';

/** More than anybody reads; 100 lines of 200 octets fill 1.7 GB a day, which log rotation copes with. */
export const LINES_PER_SECOND = 100;
const PERIOD_MS = 1000;

export class LineLimit {
  readonly #clock: Clock;
  readonly #summarise: (suppressed: number) => void;
  readonly #linesMax: number;
  #periodEndsAtMs = Number.NEGATIVE_INFINITY;
  #written = 0;
  #suppressed = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `summarise` is called after a second in which lines were suppressed, by the next line or by a timer. */
  constructor(
    clock: Clock,
    summarise: (suppressed: number) => void,
    linesPerSecond = LINES_PER_SECOND,
  ) {
    this.#clock = clock;
    this.#summarise = summarise;
    this.#linesMax = linesPerSecond;
  }

  /** Whether one more line may be written now. */
  admits(): boolean {
    if (this.#clock.nowMs() >= this.#periodEndsAtMs) this.#startPeriod();
    if (this.#written < this.#linesMax) {
      this.#written += 1;
      return true;
    }
    this.#suppressed += 1;
    // A log alone keeps no process alive.
    this.#timer ??= setTimeout(() => this.#startPeriod(), PERIOD_MS).unref();
    return false;
  }

  #startPeriod(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const suppressed = this.#suppressed;
    this.#periodEndsAtMs = this.#clock.nowMs() + PERIOD_MS;
    this.#written = 0;
    this.#suppressed = 0;
    if (suppressed > 0) this.#summarise(suppressed);
  }
}
