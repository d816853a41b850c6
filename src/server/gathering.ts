/**
 * A short wait before misses are taken off the rings while many come, so that those of the next moment, and the answers to
 * those before, are served in the same turn of the event loop. A turn costs some 45 us whatever it holds (waking, reading the
 * wake-up, a write and a read of an upstream's connection, a `sendmmsg`), a miss 13 us. The responders do not wait: hits go on.
 *
 * Measured at 8,000 misses a second, two threads on one core, upstream on another, medians of 3: CPU 22 us less a miss, 0.7
 * packets to and from the upstream instead of 1.8, latency 0.45 ms instead of 0.21.
 */
import type { Clock } from '../base/clock.ts';
import type { Libc } from '../os/libc.ts';

/** With the kernel's timer slack of 50 us it takes 200 us. */
const WAIT_US = 150;
/** So many misses within `WINDOW_MS`: below, less than one more would come during the wait. */
const MANY = 4;
const WINDOW_MS = 1;

export class Gathering {
  readonly #libc: Pick<Libc, 'usleep'>;
  readonly #clock: Clock;
  #windowAtMs = 0;
  #inWindow = 0;
  #inWindowBefore = 0;
  /** Another responder's ring has waited in this turn of the event loop. */
  #hasWaited = false;
  readonly #turnEnded = () => {
    this.#hasWaited = false;
  };

  constructor(libc: Pick<Libc, 'usleep'>, clock: Clock) {
    this.#libc = libc;
    this.#clock = clock;
  }

  /** To be called when a ring has misses, before they are taken. Blocks the thread where that is worth it. */
  wait(): void {
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#windowAtMs;
    if (elapsedMs >= WINDOW_MS) {
      this.#inWindowBefore = elapsedMs < 2 * WINDOW_MS ? this.#inWindow : 0;
      this.#inWindow = 0;
      this.#windowAtMs = nowMs;
    }
    if (this.#inWindowBefore < MANY || this.#hasWaited) return;
    this.#libc.usleep(WAIT_US);
    this.#hasWaited = true;
    setImmediate(this.#turnEnded);
  }

  /** A miss was taken. */
  took(): void {
    this.#inWindow += 1;
  }
}
