/**
 * Which of so many names is asked next: drawn before the measurement, so that a query costs one array read.
 */
import { seededRandom } from '../load/random.ts';

/** A multiple of a batch; of a million names, two thirds are drawn. */
export const DRAW_COUNT = 1 << 20;

export type Distribution = 'zipf' | 'uniform';

/** Zipf's law with exponent 1 in its continuous form, which needs no table of a million sums. */
export function draw(
  into: Int32Array,
  distribution: Distribution,
  nameCount: number,
  seed = 1,
): Int32Array {
  const random = seededRandom(seed);
  for (let at = 0; at < into.length; at++) {
    const fraction = random();
    into[at] =
      distribution === 'uniform'
        ? Math.floor(fraction * nameCount)
        : Math.floor((nameCount + 1) ** fraction) - 1;
  }
  return into;
}
