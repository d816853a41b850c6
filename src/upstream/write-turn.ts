/**
 * Gathers the writes of one turn of the event loop: connections that were given queries are flushed once, after the turn's
 * other callbacks have run, so that all queries of the turn for one connection leave as one write (RFC 7766 §6.2.1.1).
 */

import { atTurnEnd } from '../base/turn-end.ts';

export interface Flushable {
  flush(): void;
}

export class WriteTurn {
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  readonly #run = () => this.#flushAll();

  /** The caller adds itself at most once before it is flushed. */
  add(flushable: Flushable): void {
    if (this.#waiting.length === 0) atTurnEnd(this.#run);
    this.#waiting.push(flushable);
  }

  #flushAll(): void {
    const waiting = this.#waiting;
    this.#waiting = this.#spare;
    for (const flushable of waiting) flushable.flush();
    waiting.length = 0;
    this.#spare = waiting;
  }
}
