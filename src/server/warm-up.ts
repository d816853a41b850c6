/**
 * The collections of a responder's garbage while it warms up. Until V8 has compiled what answers queries, each of them leaves some; later
 * none does, so that nothing would ever collect it, and the 1 to 2 MB that it lies in would stay for the life of the process.
 */

/** What the heap must have grown by: the young generation, as V8 begins with it, is full. */
const GROWTH_MIN_BYTES = 1e6;
/** Between two ticks, two seconds: of so many rounds, each with a query, one or two wait for a collection, which takes 10 ms. */
const ROUNDS_MAX = 200;
/** Fewer since the last look, each with a query, fill a tenth of it. Looking costs as much as all else that an idle responder does. */
const LOOK_ROUNDS_MIN = 100;
/** UDP and TCP warm up apart, and each quiet time may come when half is done. */
const COLLECTIONS_MAX = 3;

export class WarmUp {
  readonly #collect: () => void;
  readonly #heapBytes: () => number;
  #limitBytes: number;
  /** Since the last tick. */
  #rounds = 0;
  /** Of the ticks since the heap was last looked at. */
  #unseenRounds = 0;
  #collectionsLeft = COLLECTIONS_MAX;

  constructor(collect: () => void, heapBytes = heapTotalBytes) {
    this.#collect = collect;
    this.#heapBytes = heapBytes;
    this.#limitBytes = heapBytes() + GROWTH_MIN_BYTES;
  }

  /** To be called after each round of the loop. */
  round(hasTicked: boolean): void {
    if (this.#collectionsLeft === 0) return;
    this.#rounds += 1;
    if (!hasTicked) return;
    const isBusy = this.#rounds > ROUNDS_MAX;
    this.#unseenRounds += this.#rounds;
    this.#rounds = 0;
    if (isBusy || this.#unseenRounds < LOOK_ROUNDS_MIN) return;
    this.#unseenRounds = 0;
    if (this.#heapBytes() < this.#limitBytes) return;
    this.#collect();
    this.#collectionsLeft -= 1;
    this.#limitBytes = this.#heapBytes() + GROWTH_MIN_BYTES;
  }
}

/** Node opens a file for it. Where no descriptor is left nobody knows, and it has not grown. */
function heapTotalBytes(): number {
  try {
    return process.memoryUsage().heapTotal;
  } catch {
    return 0;
  }
}
