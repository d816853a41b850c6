/**
 * The memory of a daemon that holds many names: what is its own (anonymous), and what it has in memory at all (resident), of which files
 * are shared with others and the cache is a memfd (shared).
 *
 *     npm run bench:memory [-- --names N] [--responders 1,2] [--rounds N] [--command COMMAND] [--node-flag FLAG]
 *
 * Each name is asked once and comes from the upstream, then asked twice from the cache. Medians of the rounds.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BUILT, DaemonRuns, type Place, question } from './daemon-run.ts';
import { untilReady } from './ports.ts';
import { median } from './statistics.ts';

/** Below the daemon's share for one client while it is new. */
const WINDOW = 64;
const REPLY_TIMEOUT_MS = 5000;
const PASSES = 3;
/** After the load: three looks of control/memory-return.ts, of which the first may still see a busy event loop. */
const SETTLE_MS = 32_000;

const { values } = parseArgs({
  options: {
    names: { type: 'string', default: '10000' },
    responders: { type: 'string', default: '1,2,3' },
    rounds: { type: 'string', default: '1' },
    command: { type: 'string', default: BUILT },
    'node-flag': { type: 'string', multiple: true, default: [] },
    env: { type: 'string', multiple: true, default: [] },
  },
});

interface Memory {
  readonly resident: number;
  readonly anonymous: number;
  readonly shared: number;
}

/** Each name once, `WINDOW` at a time. */
async function askAll({ port }: Place, count: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  const ask = () => {
    if (sent < count) socket.send(question(`host-${sent++}.example.org`), port, '127.0.0.1');
  };
  const limit = setTimeout(() => reject(new Error('answers are missing')), 12 * REPLY_TIMEOUT_MS);
  socket.on('message', () => {
    if (++answered === count) resolve();
    ask();
  });
  for (let i = 0; i < WINDOW; i++) ask();
  try {
    await promise;
  } finally {
    clearTimeout(limit);
    socket.close();
  }
}

/** In octets. */
function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const field = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return {
    resident: field('Rss'),
    anonymous: field('Anonymous'),
    shared: field('Pss_Shmem'),
  };
}

async function measure(runs: DaemonRuns, responders: number): Promise<Memory> {
  const place = await runs.place();
  const flags = { ...place, flags: [...place.flags, `-responders=${responders}`] };
  const environment = Object.fromEntries(values.env.map((text) => text.split('=', 2)));
  const command = [...values.command.split(/\s+/), ...values['node-flag']];
  const child = runs.start(command, flags, environment);
  try {
    await untilReady(child, place.port);
    for (let pass = 0; pass < PASSES; pass++) await askAll(place, Number(values.names));
    await pause(SETTLE_MS);
    return memoryOf(child.pid);
  } finally {
    await child.stop();
  }
}

const runs = await DaemonRuns.prepare();
try {
  console.log('| responders | anonymous MB | resident MB | of it cache MB |\n|--:|--:|--:|--:|');
  for (const responders of values.responders.split(',').map(Number)) {
    const rounds: Memory[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      rounds.push(await measure(runs, responders));
    }
    const figures = (['anonymous', 'resident', 'shared'] as const).map((part) =>
      (median(rounds.map((memory) => memory[part])) / 1e6).toFixed(1),
    );
    console.log(`| ${responders} | ${figures.join(' | ')} |`);
  }
} finally {
  await runs.close();
}
