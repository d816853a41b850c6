/**
 * A limit that many sources share without one taking it from the others: up to half of it everybody may take what there is;
 * above, no source may hold more than sixteen, or its equal part if that is more. At most twice as many sources are known as the
 * limit has places.
 */

/** What a source may always hold while there is room: a pod that starts asks about so many names at once. */
const SHARE_MIN = 16;

export class FairShare {
  readonly limit: number;
  /** With some that hold nothing at the moment: sources come and go with each query, and a `Map` pays for that. */
  readonly #heldBySource = new Map<string, number>();
  #held = 0;
  #sourceCount = 0;
  /** Refused because nothing was left. */
  fullCount = 0;
  /** Refused because the source held its share already. */
  unfairCount = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  get sourceCount(): number {
    return this.#sourceCount;
  }

  /** Sources kept, those that hold nothing included. */
  get knownCount(): number {
    return this.#heldBySource.size;
  }

  /** Takes one place for the source; false where it may not have it. Each place taken is given back. */
  take(source: string): boolean {
    if (this.#held >= this.limit) {
      this.fullCount += 1;
      return false;
    }
    const own = this.#heldBySource.get(source) ?? 0;
    if (2 * this.#held >= this.limit && own >= this.#share(own)) {
      this.unfairCount += 1;
      return false;
    }
    this.#held += 1;
    if (own === 0) this.#sourceCount += 1;
    this.#heldBySource.set(source, own + 1);
    if (this.#heldBySource.size > 2 * this.limit) this.#forgetIdle();
    return true;
  }

  giveBack(source: string): void {
    const own = this.#heldBySource.get(source) ?? 0;
    if (own === 0) return;
    this.#held -= 1;
    if (own === 1) this.#sourceCount -= 1;
    this.#heldBySource.set(source, own - 1);
  }

  #forgetIdle(): void {
    for (const [source, held] of this.#heldBySource) {
      if (held === 0) this.#heldBySource.delete(source);
    }
  }

  #share(own: number): number {
    const sources = this.#sourceCount + (own === 0 ? 1 : 0);
    return Math.max(SHARE_MIN, Math.floor(this.limit / sources));
  }
}
