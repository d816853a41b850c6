/** Runs round-allocations.ts, with what it needs of V8 and malloc. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROGRAM = join(import.meta.dirname, 'round-allocations.ts');
/** Semi-spaces larger than all that is measured: no collection hides an allocation. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];
/** Buffers are mapped, and so have addresses as large as in a thread: V8 makes objects of them, where smaller numbers need none. */
const ENVIRONMENT = { ...process.env, MALLOC_MMAP_THRESHOLD_: '1024' };

export interface RoundMeasurement {
  /** Octets. */
  readonly perHit: number;
  readonly perHitWithObject: number;
}

export async function measureRound(transport: 'udp' | 'tcp'): Promise<RoundMeasurement> {
  const args = [...FLAGS, PROGRAM, transport];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: ENVIRONMENT });
  return JSON.parse(stdout) as RoundMeasurement;
}
