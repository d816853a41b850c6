/**
 * In which order questions are asked. The order is drawn before the run, so that a query costs one array read.
 */
import { seededRandom } from './random.ts';

export const ORDERS = ['cycle', 'once', 'uniform', 'zipf'] as const;
/** `cycle`: as listed, again and again; `once`: as listed, then stop; `uniform` and `zipf`: drawn. */
export type Order = (typeof ORDERS)[number];

/**
 * A drawn order repeats after 2^18 queries (1 MB), or after as many as there are names. For some hundred names that is above a
 * thousand draws a name, so the frequencies are those of the distribution.
 */
const DRAW_COUNT_MIN = 1 << 18;

/** Indexes of questions, to be asked from first to last and (except for `once`) again. */
export function drawOrder(order: Order, questionCount: number, seed: number): Int32Array {
  if (order === 'cycle' || order === 'once') {
    return Int32Array.from({ length: questionCount }, (_, index) => index);
  }
  const random = seededRandom(seed);
  const pick =
    order === 'uniform'
      ? () => Math.floor(random() * questionCount)
      : zipfPicker(questionCount, random);
  return Int32Array.from({ length: Math.max(DRAW_COUNT_MIN, questionCount) }, pick);
}

/** Zipf's law with exponent 1: the n-th name is asked 1/n as often as the first. */
function zipfPicker(count: number, random: () => number): () => number {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += 1 / (index + 1);
    cumulative[index] = sum;
  }
  return () => lowerBound(cumulative, random() * sum);
}

/** The first index whose value exceeds `wanted`; `values` ascend and the last one does. */
function lowerBound(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
