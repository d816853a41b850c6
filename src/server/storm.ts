/**
 * A storm: so many misses that the way of each through a responder (a thread wakes for it, hands it over, wakes the resolver) costs
 * more than what becomes of it. While it lasts the resolver takes the queries off the sockets itself, once a turn of its event loop,
 * and pauses behind the turn, so that the next queries and the answers to those before are served in one go. The responders
 * stand aside meanwhile, with one look in some milliseconds at whether somebody still reads.
 *
 *   turn of the event loop: answers of upstreams | queries off the sockets | what has come together leaves | pause
 *
 * A turn costs some 45 us whatever it holds, a miss 13 us. It is a storm only as long as there are more misses than hits, and ends
 * where a turn does not keep up with what comes: then hits must not wait for it.
 */
import type { Clock } from '../base/clock.ts';
import { atTurnEnd, pauseAfterTurn } from '../base/turn-end.ts';
import { BATCH_MAX } from '../os/datagram-batch.ts';
import type { Libc } from '../os/libc.ts';

/** With the kernel's timer slack of 50 us it takes 200 us. */
const PAUSE_US = 150;
/** Below, less than one more miss would come during the pause. */
const MANY_PER_MS = 4;
/** They are counted for so long at least; longer where the thread does not get to it. */
const WINDOW_MS = 1;

/** What one look at all sockets has brought. */
export interface StormTurn {
  readonly misses: number;
  /** Answered at once, from the cache or with an error. */
  readonly hits: number;
  /** The most that one socket had. */
  readonly largest: number;
}

export interface StormSource {
  /** Datagrams that responders have answered themselves so far, wrapping. */
  answered(): number;
  /** Takes what has come to the sockets, at most a batch from each, while responders stand aside. */
  read(): StormTurn;
  /** The responders may go on at once. */
  leave(): void;
}

export class Storm {
  readonly #libc: Pick<Libc, 'usleep'>;
  readonly #clock: Clock;
  readonly #source: StormSource;
  #windowAtMs = 0;
  #answeredBefore = 0;
  #misses = 0;
  #hits = 0;
  /** In the window before. */
  #hasMany = false;
  #isOn = false;

  constructor(libc: Pick<Libc, 'usleep'>, clock: Clock, source: StormSource) {
    this.#libc = libc;
    this.#clock = clock;
    this.#source = source;
  }

  /** Counts misses that responders have handed over, and begins where they are many. */
  missed(misses: number): void {
    const answered = this.#source.answered();
    this.#count(misses, (answered - this.#answeredBefore) | 0);
    this.#answeredBefore = answered;
    if (this.#isOn || !this.#hasMany) return;
    this.#isOn = true;
    pauseAfterTurn(this.#pause);
  }

  #count(misses: number, hits: number): void {
    this.#misses += misses;
    this.#hits += hits;
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#windowAtMs;
    if (elapsedMs < WINDOW_MS) return;
    this.#hasMany = this.#misses >= MANY_PER_MS * elapsedMs && this.#misses > this.#hits;
    this.#misses = 0;
    this.#hits = 0;
    this.#windowAtMs = nowMs;
  }

  readonly #pause = (): void => {
    this.#libc.usleep(PAUSE_US);
    atTurnEnd(this.#read);
  };

  readonly #read = (): void => {
    const { misses, hits, largest } = this.#source.read();
    this.#count(misses, hits);
    this.#isOn = this.#hasMany && largest < BATCH_MAX;
    if (this.#isOn) pauseAfterTurn(this.#pause);
    else this.#source.leave();
  };
}
