/**
 * Whether somebody else renews the same lease. Two daemons on a node do not talk; each sees the other in the kernel: a lease
 * whose stamp is not what the own renewal left was renewed by another. The one that leaves then lets the lease run on.
 *
 *     renew -> stamp read, that is mine -> a second later: stamp read, differs from mine? another renewed -> renew ...
 *
 * Where a stamp is reckoned from our clock it lies somewhere between a reading before and one after: this thread may have stood
 * still meanwhile. Only what cannot be the same is another's.
 */

/** Another's renewal is remembered so long: it is looked for at each second renewal at least, and one may be late. */
const REMEMBERED_MS = 3000;

/** When a lease was renewed, or ends: no earlier and no later. */
export interface Stamp {
  readonly earliest: number;
  readonly latest: number;
}

export class SharedLease {
  readonly #tolerance: number;
  readonly #mine = new Map<string, Stamp>();
  #otherSeenAtMs = Number.NEGATIVE_INFINITY;

  /** `tolerance`: how far two readings of one stamp may lie apart, by the kernel's own clock. */
  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /** The stamp of an address's lease before the own renewal; undefined where there is none. */
  look(address: string, stamp: Stamp | undefined, nowMs: number): void {
    if (stamp === undefined) return;
    const mine = this.#mine.get(address);
    const isMine =
      mine !== undefined &&
      stamp.earliest - mine.latest <= this.#tolerance &&
      mine.earliest - stamp.latest <= this.#tolerance;
    if (!isMine) this.#otherSeenAtMs = nowMs;
  }

  /** The stamp of the own renewal; undefined where the lease has been ended. */
  renewed(address: string, stamp: Stamp | undefined): void {
    if (stamp === undefined) this.#mine.delete(address);
    else this.#mine.set(address, stamp);
  }

  isShared(nowMs: number): boolean {
    return nowMs - this.#otherSeenAtMs <= REMEMBERED_MS;
  }
}
