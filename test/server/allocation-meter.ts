/**
 * What one of many equal operations leaves on the heap. Run with --expose-gc and a young generation that holds all that a round leaves.
 */

export interface Metered {
  /** Of a round. */
  readonly count: number;
  readonly rounds: number;
  /** Rounds beforehand, until all is compiled. */
  readonly warmUp: number;
  readonly run: (count: number) => void;
}

/** Octets an operation: the least of some rounds, since what else goes on in the process only adds. */
export function bytesEach({ count, rounds, warmUp, run }: Metered): number {
  run(warmUp * count);
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    globalThis.gc!();
    const before = process.memoryUsage().heapUsed;
    run(count);
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / count);
  }
  return least;
}
