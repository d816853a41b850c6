/**
 * What `/health` asks: do we still work? Not alive is a responder whose loop stands still, and a DNS socket of ours that has
 * answered nobody, not even ourselves, for ten seconds. Upstreams play no part, nor does load: where clients are answered that
 * is the proof, and we ask ourselves only when nobody else does. Our own query is counted as any other: nobody waits for the reply.
 *
 * Looks are counted, not seconds: where this whole process stood still for a while, nothing follows from it.
 */

import { heartbeat } from '../base/heartbeat.ts';

/** Five looks without a sign of life are ten seconds: one period of a kubelet's probe by default. */
const PERIOD_S = 2;
const LOOKS_MAX = 5;

export interface LivenessOptions {
  /** The rounds of each responder so far. */
  readonly rounds: () => readonly number[];
  /** Queries answered so far. */
  readonly answered: () => number;
  /** Sends ourselves a query that needs no upstream; `answered` tells what became of it. False where there is no address to ask. */
  readonly ask: () => boolean;
}

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #stopLooking: () => void;
  #rounds: readonly number[];
  #answered: number;
  /** Looks in a row without progress, of each responder and of the socket. */
  #stalled: number[] = [];
  #unanswered = 0;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#rounds = options.rounds();
    this.#answered = options.answered();
    this.#stopLooking = heartbeat.every(PERIOD_S, () => this.#look());
  }

  /** Why we are not alive; undefined: we are. */
  get problem(): string | undefined {
    const stuck = this.#stalled.findIndex((looks) => looks >= LOOKS_MAX);
    if (stuck !== -1)
      return `responder ${stuck} has made no progress for ${seconds(this.#stalled[stuck]!)} s`;
    if (this.#unanswered < LOOKS_MAX) return undefined;
    return `the DNS socket has not answered for ${seconds(this.#unanswered)} s`;
  }

  close(): void {
    this.#stopLooking();
  }

  #look(): void {
    const rounds = this.#options.rounds();
    this.#stalled = rounds.map((count, index) => {
      return count === this.#rounds[index] ? (this.#stalled[index] ?? 0) + 1 : 0;
    });
    this.#rounds = rounds;
    const answered = this.#options.answered();
    const isAnswering = answered !== this.#answered;
    this.#answered = answered;
    if (isAnswering || !this.#options.ask()) this.#unanswered = 0;
    else this.#unanswered += 1;
  }
}

function seconds(looks: number): number {
  return looks * PERIOD_S;
}
