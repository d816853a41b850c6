/**
 * What the two transports of the generator have in common: a phase of a run, and who carries it out.
 */
import type { Ticks } from './clock.ts';
import type { Pace } from './schedule.ts';
import type { Tally } from './tally.ts';

export interface Phase {
  readonly seconds: number;
  /** The phase also ends when it has taken as many questions. */
  readonly queriesMax: number;
  /** An open loop; without it a closed window. */
  readonly pace: Pace | undefined;
  /** Queries in flight in a closed window, over all channels. */
  readonly window: number;
  /** A query without a reply for so long is lost. */
  readonly replyTimeout: Ticks;
  /** Poll without waiting: replies are seen at once, at the cost of a core. */
  readonly spins: boolean;
  /** The index of the next question. */
  next(): number;
}

export interface Load {
  /** Sends, waits for the last replies, counts; resolves to the seconds until the last answer. */
  run(phase: Phase, tally: Tally): Promise<number>;
  close(): void;
}
