/** A load longer than the generator runs at once: one run after the other, and their sum. */
import type { LoadReport } from '../../bench/load/generator.ts';

/** The generator runs for 100 s at most. */
const PART_SECONDS = 60;

export interface LoadSum {
  readonly rcodes: Record<string, number>;
  lost: number;
  /** The median of the parts' percentiles. */
  p99Us: number;
}

export async function inParts(
  seconds: number,
  run: (seconds: number) => Promise<LoadReport>,
): Promise<LoadSum> {
  const sum: LoadSum = { rcodes: {}, lost: 0, p99Us: 0 };
  const p99s: number[] = [];
  for (let left = Math.max(1, seconds); left > 0; left -= PART_SECONDS) {
    const { rcodes, lost, latencyUs } = await run(Math.min(left, PART_SECONDS));
    for (const [rcode, count] of Object.entries(rcodes)) {
      sum.rcodes[rcode] = (sum.rcodes[rcode] ?? 0) + count;
    }
    sum.lost += lost;
    p99s.push(latencyUs.p99);
  }
  sum.p99Us = p99s.sort((a, b) => a - b)[Math.floor(p99s.length / 2)]!;
  return sum;
}
