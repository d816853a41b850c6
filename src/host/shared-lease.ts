/**
 * Whether somebody else renews the same lease. Two daemons on a node do not talk; each sees the other in the kernel: a lease
 * whose stamp is not what the own renewal left was renewed by another. The one that leaves then lets the lease run on.
 *
 *     renew -> stamp read, that is mine -> a second later: stamp read, differs from mine? another renewed -> renew ...
 */

/** Another's renewal is remembered so long: it is looked for at each second renewal at least, and one may be late. */
const REMEMBERED_MS = 3000;

export class SharedLease {
  readonly #tolerance: number;
  readonly #mine = new Map<string, number>();
  #otherSeenAtMs = Number.NEGATIVE_INFINITY;

  /** `tolerance`: how far two readings of one renewal's stamp may lie apart. */
  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /** The stamp of an address's lease before the own renewal; undefined where there is none. */
  look(address: string, stamp: number | undefined, nowMs: number): void {
    if (stamp === undefined) return;
    const mine = this.#mine.get(address);
    if (mine === undefined || Math.abs(stamp - mine) > this.#tolerance) this.#otherSeenAtMs = nowMs;
  }

  /** The stamp right after the own renewal. */
  renewed(address: string, stamp: number | undefined): void {
    if (stamp === undefined) this.#mine.delete(address);
    else this.#mine.set(address, stamp);
  }

  isShared(nowMs: number): boolean {
    return nowMs - this.#otherSeenAtMs <= REMEMBERED_MS;
  }
}
