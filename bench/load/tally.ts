/**
 * What a run counts, and its report. Counting allocates nothing; the report is made after the run.
 */
import { type Ticks, ticksBetween } from './clock.ts';
import { type Flight, SLOT } from './flight.ts';
import { Histogram } from './histogram.ts';
import { rcodeName } from './protocol.ts';
import type { QuestionSet } from './questions.ts';
import { judgeReply, VERDICT, VERDICT_NAMES } from './reply.ts';

/** Enough to see what goes wrong, few enough not to disturb the run. */
const WRONG_SAMPLES_MAX = 4;

/** Microseconds, to a tenth. */
export interface LatencyUs {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface TallyReport {
  readonly sent: number;
  /** Replies with the id of a query in flight, right or wrong. */
  readonly answered: number;
  /** Queries without a reply within the time-out. */
  readonly lost: number;
  /** Replies after the time-out; their queries are counted as lost. */
  readonly late: number;
  readonly duplicates: number;
  /** Replies with an id that was never sent on their channel. */
  readonly unexpected: number;
  /** Queries of an open loop that found no free id; nothing was sent. */
  readonly notSent: number;
  /** Failed calls by errno, or lost connections by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly rcodes: Readonly<Record<string, number>>;
  /** Answers that are not what was asked for. */
  readonly wrong: number;
  readonly wrongBy: Readonly<Record<string, number>>;
  /** The first wrong replies in hexadecimal. */
  readonly wrongSamples: readonly string[];
  /** From the intended time of sending in an open loop, from sending in a closed window. */
  readonly latencyUs: LatencyUs;
  /** By the groups of the questions, where there are any. */
  readonly latencyUsBy: Readonly<Record<string, LatencyUs>>;
  /** How far behind the intended time queries left: the generator's own share of the latency. */
  readonly latenessUs: LatencyUs;
}

export class Tally {
  sent = 0;
  lost = 0;
  notSent = 0;
  readonly lateness = new Histogram();
  /** When the last answer came; meaningless before the first. */
  lastAnswerAt: Ticks = 0;
  #answered = 0;
  #late = 0;
  #duplicates = 0;
  #unexpected = 0;
  readonly #latency = new Histogram();
  readonly #latencyBy: readonly Histogram[];
  readonly #groups: readonly string[];
  readonly #rcodes = new Float64Array(16);
  readonly #verdicts = new Float64Array(VERDICT_NAMES.length);
  readonly #errors = new Map<string, number>();
  readonly #samples: string[] = [];

  constructor(groups: readonly string[] = ['']) {
    this.#groups = groups;
    this.#latencyBy = groups.map(() => new Histogram());
  }

  get answered(): number {
    return this.#answered;
  }

  /** Counts the message in `octets` from `start` to `end` that came in on `channel`. */
  countReply(
    octets: Uint8Array,
    start: number,
    end: number,
    channel: number,
    now: Ticks,
    flight: Flight,
    set: QuestionSet,
  ): void {
    if (end - start < 2) {
      this.#unexpected += 1;
      return;
    }
    const id = (octets[start]! << 8) | octets[start + 1]!;
    const state = flight.settle(channel, id);
    if (state !== SLOT.OUTSTANDING) {
      if (state === SLOT.ANSWERED) this.#duplicates += 1;
      else if (state === SLOT.LOST) this.#late += 1;
      else this.#unexpected += 1;
      return;
    }
    this.#answered += 1;
    this.lastAnswerAt = now;
    const question = flight.questionOf(channel, id);
    const latency = ticksBetween(flight.dueAtOf(channel, id), now);
    this.#latency.record(latency);
    this.#latencyBy[set.group[question]!]!.record(latency);
    const verdict = judgeReply(octets, start, end, set, question);
    this.#verdicts[verdict]! += 1;
    if (verdict !== VERDICT.MALFORMED) this.#rcodes[octets[start + 3]! & 0x0f]! += 1;
    if (verdict !== VERDICT.RIGHT) this.#keepSample(octets, start, end);
  }

  countError(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  report(): TallyReport {
    const wrongBy = named(this.#verdicts, (verdict) => VERDICT_NAMES[verdict]!);
    delete wrongBy[VERDICT_NAMES[VERDICT.RIGHT]!];
    return {
      sent: this.sent,
      answered: this.#answered,
      lost: this.lost,
      late: this.#late,
      duplicates: this.#duplicates,
      unexpected: this.#unexpected,
      notSent: this.notSent,
      errors: Object.fromEntries(this.#errors),
      rcodes: named(this.#rcodes, rcodeName),
      wrong: this.#answered - this.#verdicts[VERDICT.RIGHT]!,
      wrongBy,
      wrongSamples: this.#samples,
      latencyUs: microseconds(this.#latency),
      latencyUsBy: this.#latencyUsBy(),
      latenessUs: microseconds(this.lateness),
    };
  }

  #latencyUsBy(): Record<string, LatencyUs> {
    const entries = this.#groups.map((group, index) => [group, this.#latencyBy[index]!] as const);
    const named = entries.filter(([group]) => group !== '');
    return Object.fromEntries(named.map(([group, latency]) => [group, microseconds(latency)]));
  }

  #keepSample(octets: Uint8Array, start: number, end: number): void {
    if (this.#samples.length >= WRONG_SAMPLES_MAX) return;
    this.#samples.push(Buffer.from(octets.subarray(start, end)).toString('hex'));
  }
}

function named(counts: Float64Array, nameOf: (index: number) => string): Record<string, number> {
  const entries = [...counts.entries()].filter(([, count]) => count > 0);
  return Object.fromEntries(entries.map(([index, count]) => [nameOf(index), count]));
}

/** From ticks of 100 ns. */
function microseconds(histogram: Histogram): LatencyUs {
  return {
    p50: histogram.percentile(50) / 10,
    p90: histogram.percentile(90) / 10,
    p99: histogram.percentile(99) / 10,
    p999: histogram.percentile(99.9) / 10,
    max: histogram.max / 10,
  };
}
