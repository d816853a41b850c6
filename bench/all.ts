/**
 * `npm run bench:all`: everything that README's tables and the chart show, measured in one go, and both written anew. On a
 * quiet machine of two cores it takes some twenty minutes; peers that are not installed are left out.
 *
 * Flags that it does not know go to `compare.ts`: `--node-cache FILE`, `--daemon COMMAND`, `--rounds N`, `--seconds S`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publish } from './report/publish.ts';
import { RESULTS_PATH, readResults } from './report/results.ts';
import { RESOLVERS } from './resolvers.ts';

/** With five rounds, all workloads and all peers: see above. */
const SECONDS = 0.8;

const directory = mkdtempSync(join(tmpdir(), 'zerohop-results-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const peers = RESOLVERS.map((name) => `--peer=${name}`);
const flags = [...peers, `--seconds=${SECONDS}`, '--growth', ...process.argv.slice(2)];
const compared = measure('compare.ts', ...flags);
const { machine: _, ...micro } = measure('micro/main.ts');
writeFileSync(RESULTS_PATH, `${JSON.stringify({ ...compared, micro }, null, 1)}\n`);
publish(readResults());

/** Runs a benchmark and reads the JSON that it writes. Where there is one, a failure (a wrong answer) only shows at the end. */
function measure(program: string, ...args: string[]): Record<string, unknown> {
  const json = join(directory, `${program.replace('/', '-')}.json`);
  const path = join(import.meta.dirname, program);
  const { status } = spawnSync(process.execPath, [path, '--json', json, ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = status ?? 1;
  if (!existsSync(json)) process.exit(1);
  return JSON.parse(readFileSync(json, 'utf8')) as Record<string, unknown>;
}
