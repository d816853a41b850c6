/**
 * Seeded random numbers: the same seed asks the same questions in the same order, so that two runs are comparable.
 */

/** Numbers in [0, 1) by xorshift32 (Marsaglia, "Xorshift RNGs", 2003); any seed is fit, 0 included. */
export function seededRandom(seed: number): () => number {
  let state = Math.imul(seed | 0, 0x9e37_79b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
