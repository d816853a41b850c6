/** The slowest answers of the last minutes, each question once, in bounded memory. Adding a quick one costs a comparison. */
import type { Clock } from '../base/clock.ts';

/** More than a screen shows. */
const ANSWERS_MAX = 32;
/** As long as the figures go back (figures.ts). */
const AGE_MAX_MS = 300_000;

export interface SlowAnswer {
  /** In presentation form, escaped (RFC 1035 §5.1). */
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  readonly durationMs: number;
  /** Its address. */
  readonly client: string;
  /** Who answered; null: nobody, or we did. */
  readonly upstream: string | null;
}

interface Kept {
  readonly answer: SlowAnswer;
  readonly atMs: number;
}

export class SlowestAnswers {
  readonly #clock: Clock;
  readonly #byQuestion = new Map<string, Kept>();
  #boundMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether an answer that took so long is to be added. */
  admits(durationMs: number): boolean {
    return durationMs > this.#boundMs;
  }

  add(answer: SlowAnswer): void {
    const key = `${answer.name} ${answer.type}`;
    const present = this.#byQuestion.get(key);
    if (present !== undefined && present.answer.durationMs >= answer.durationMs) return;
    this.#byQuestion.set(key, { answer, atMs: this.#clock.nowMs() });
    this.#trim();
  }

  /** Forgets what is too old; call it now and then. */
  expire(): void {
    if (this.#byQuestion.size === 0) return;
    const oldestMs = this.#clock.nowMs() - AGE_MAX_MS;
    for (const [key, { atMs }] of this.#byQuestion) {
      if (atMs < oldestMs) this.#byQuestion.delete(key);
    }
    this.#trim();
  }

  /** The slowest first, with their age in seconds. */
  slowest(count: number): (SlowAnswer & { readonly agoS: number })[] {
    const nowMs = this.#clock.nowMs();
    return this.#sorted()
      .slice(0, count)
      .map(({ answer, atMs }) => ({ ...answer, agoS: Math.round((nowMs - atMs) / 1000) }));
  }

  #trim(): void {
    const sorted = this.#sorted();
    for (const { answer } of sorted.splice(ANSWERS_MAX)) {
      this.#byQuestion.delete(`${answer.name} ${answer.type}`);
    }
    this.#boundMs = sorted.length < ANSWERS_MAX ? 0 : sorted.at(-1)!.answer.durationMs;
  }

  #sorted(): Kept[] {
    return [...this.#byQuestion.values()].sort(
      (left, right) => right.answer.durationMs - left.answer.durationMs,
    );
  }
}
