/**
 * From the start of a process to its first answer: a question that goes to the upstream and back.
 *
 *     npm run bench:start [-- --rounds N] [--command "NAME=COMMAND"]
 *
 * What is started alternates, so that all of them meet the same machine; the median and the least of the rounds are shown, and the CPU
 * time that all threads had taken by then, which other programs on the machine disturb less.
 */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILT, DaemonRuns, question, ROOT, SOURCES } from './daemon-run.ts';
import { cpuTimeNs } from './load/cpu-time.ts';
import type { Child } from './processes.ts';
import { median } from './statistics.ts';

const ASK_EVERY_MS = 1;
const START_TIMEOUT_MS = 60_000;
const NODE = join(ROOT, 'node_modules/.bin/node');
const BUILT_MAIN = join(ROOT, 'dist/main.js');

interface Start {
  readonly answeredMs: number;
  readonly cpuMs: number;
}

interface Variant {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    command: { type: 'string', multiple: true, default: [] },
  },
});

const cache = mkdtempSync(join(tmpdir(), 'zerohop-compile-cache-'));
const VARIANTS: readonly Variant[] = [
  { name: 'sources, by the launcher', command: [SOURCES] },
  { name: 'dist, by the launcher', command: [BUILT] },
  {
    name: 'dist, by the launcher, compile cache',
    command: [BUILT],
    environment: { NODE_COMPILE_CACHE: cache },
  },
  { name: 'dist, without the launcher', command: [NODE, '--disable-sigusr1', BUILT_MAIN] },
  ...values.command.map((text) => {
    const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (command === undefined) throw new Error(`--command: expected NAME=COMMAND, got "${text}"`);
    return { name: name!, command: command.split(/\s+/) };
  }),
];

async function measure(runs: DaemonRuns, variant: Variant): Promise<Start> {
  const place = await runs.place();
  const query = question('www.example.org');
  const socket = createSocket('udp4');
  socket.on('error', () => {}); // ECONNREFUSED until it listens
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const startedMs = performance.now();
  const child = runs.start(variant.command, place, variant.environment);
  socket.on('message', () => resolve(performance.now() - startedMs));
  const asking = setInterval(() => {
    if (child.hasExited()) reject(new Error(`${variant.name} ended:\n${child.errorTail()}`));
    socket.send(query, place.port, '127.0.0.1');
  }, ASK_EVERY_MS);
  const limit = setTimeout(() => reject(new Error(`${variant.name}: no answer`)), START_TIMEOUT_MS);
  try {
    const answeredMs = await promise;
    return { answeredMs, cpuMs: cpuMsOf(child) };
  } finally {
    clearInterval(asking);
    clearTimeout(limit);
    socket.close();
    await child.stop();
  }
}

function cpuMsOf({ pid }: Child): number {
  return (cpuTimeNs(pid) ?? Number.NaN) / 1e6;
}

const runs = await DaemonRuns.prepare();
try {
  const starts = new Map<Variant, Start[]>(VARIANTS.map((variant) => [variant, []]));
  // One start each beforehand fills the page cache and the compile cache.
  for (const variant of VARIANTS) await measure(runs, variant);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const variant of VARIANTS) starts.get(variant)!.push(await measure(runs, variant));
  }
  console.log('| start | median ms | least ms | CPU ms |\n|---|--:|--:|--:|');
  for (const [{ name }, each] of starts) {
    const times = each.map(({ answeredMs }) => answeredMs);
    const cpu = median(each.map(({ cpuMs }) => cpuMs));
    const figures = [median(times), Math.min(...times), cpu].map((ms) => ms.toFixed(0));
    console.log(`| ${name} | ${figures.join(' | ')} |`);
  }
} finally {
  await runs.close();
  rmSync(cache, { recursive: true, force: true });
}
