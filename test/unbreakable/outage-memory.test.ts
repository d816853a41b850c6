/**
 * A long outage: the upstream is silent or dead, and 5,000 questions a second ask for names that are not in the cache, beside
 * clients that ask for names that are. Memory and queues stay bounded, the latter clients notice nothing, and afterwards all
 * is well; also in a small container, 96 MiB for everything.
 *
 * The built image runs plain JavaScript. Here a first start leaves the stripped sources in Node's compile cache, so that the
 * one that is measured does not load the stripper either, which takes 30 MB.
 *
 * `ZEROHOP_SOAK_SECONDS=600` makes the outage as long as that.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadReport } from '../../bench/load/generator.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { runLoad } from '../support/load.ts';
import { inParts } from '../support/load-parts.ts';
import { MemoryCgroup } from '../support/memory-cgroup.ts';
import { type MemorySample, rowOf, slopeOf } from '../support/memory-samples.ts';
import { UpstreamProcess } from '../support/upstream-process.ts';

const OUTAGE_SECONDS = Number(process.env['ZEROHOP_SOAK_SECONDS'] ?? 10);
const MISS_RATE = 5000;
const HIT_RATE = 2000;
const HIT_NAMES = 200;
const MIB = 1024 * 1024;
/** The bound of the resolver's table in 96 MiB. */
const IN_FLIGHT_MAX = 2457;
/**
 * Without a limit it is ten times that, and what a failing upstream leaves is far less: 1,024 questions that wait for it (forward.ts), and
 * those that came until it was taken to be silent, half a second's on a busy machine.
 */
const IN_FLIGHT_WITHOUT_LIMIT_MAX = 1024 + MISS_RATE / 2;
/** Heap, buffers and tables find their size, before a slope says anything. */
const WARM_UP_SHARE = 0.4;
/** A leak of an octet a question is 5 kB a second; the noise of garbage collection over so few seconds is far larger. */
const GROWTH_MAX_BYTES_PER_SECOND = OUTAGE_SECONDS >= 60 ? 50_000 : 3_000_000;
/** Two processes of load and the daemon on two shared cores: what a queue of ours would add is seconds. */
const HIT_P99_RATIO_MAX = 20;
const HIT_P99_FLOOR_US = 500_000;

const OUTAGES = {
  silent: {
    begin: (upstream: UpstreamProcess) => upstream.stop(),
    end: (upstream: UpstreamProcess) => upstream.goOn(),
  },
  dead: {
    begin: (upstream: UpstreamProcess) => upstream.kill(),
    end: (upstream: UpstreamProcess) => upstream.restart(),
  },
} as const;

const CASES: readonly [how: keyof typeof OUTAGES, transport: string, limitMib?: number][] = [
  ['silent', 'TCP'],
  ['dead', 'UDP'],
  ['silent', 'UDP', 96],
  ['dead', 'TCP', 96],
];

for (const [how, transport, limitMib] of CASES) {
  const where = limitMib === undefined ? '' : ` in ${limitMib} MiB`;
  test(`the upstream is ${how} for ${OUTAGE_SECONDS} s, over ${transport}${where}`, async (t) => {
    const limit = limitMib === undefined ? undefined : MemoryCgroup.create(t, limitMib * MIB);
    if (typeof limit === 'string') t.skip(limit);
    else await play(t, OUTAGES[how], transport === 'TCP', limit);
  });
}

async function play(
  t: TestContext,
  outage: (typeof OUTAGES)[keyof typeof OUTAGES],
  isTcp: boolean,
  limit: MemoryCgroup | undefined,
): Promise<void> {
  const upstream = await UpstreamProcess.start(t);
  const options: DaemonOptions = {
    byLauncher: true,
    corefile: ({ dns }) => corefile(dns, upstream, isTcp),
  };
  const first = await startDaemon(t, options);
  await first.stop();
  const wrapper = limit?.wrapper ?? [];
  const daemon = await startDaemon(t, { ...options, wrapper });
  const before = await inParts(3, (seconds) => hits(t, daemon, seconds));
  await outage.begin(upstream);
  const misses = inParts(OUTAGE_SECONDS, (seconds) =>
    runLoad(t, daemon.ports.dns, {
      rate: MISS_RATE,
      seconds,
      names: MISS_RATE * seconds,
      order: 'cycle',
      prefix: 'miss',
      timeout: 5,
    }),
  );
  const watching = watch(daemon, OUTAGE_SECONDS);
  await pause(1000);
  const during = await inParts(OUTAGE_SECONDS - 3, (seconds) => hits(t, daemon, seconds));
  const { samples, inFlightMax } = await watching;
  const { rcodes, lost } = await misses;
  await outage.end(upstream);
  const ofLimit = limit === undefined ? '' : `; ${limit.report()}`;
  const slope = slopeOf(samples.slice(Math.floor(samples.length * WARM_UP_SHARE)));
  t.diagnostic(
    `hits p99 ${before.p99Us} us before, ${during.p99Us} us during, ${during.lost} lost; ` +
      `resident ${rowOf(samples)} MB, ` +
      `${Math.round(slope / 1000)} kB a second; in flight ${inFlightMax} at most; ` +
      `misses ${JSON.stringify(rcodes)}, ${lost} lost${ofLimit}`,
  );
  if (limit !== undefined) assert.equal(limit.oomKills, 0);
  assert.deepEqual(Object.keys(during.rcodes), ['NOERROR']);
  assert.equal(during.lost, 0);
  const allowedUs = Math.max(HIT_P99_FLOOR_US, HIT_P99_RATIO_MAX * before.p99Us);
  assert(during.p99Us < allowedUs, `${during.p99Us} us, allowed ${allowedUs}`);
  const allowed = limit === undefined ? IN_FLIGHT_WITHOUT_LIMIT_MAX : IN_FLIGHT_MAX;
  assert(inFlightMax > 0 && inFlightMax <= allowed, `${inFlightMax} in flight`);
  assert(slope < GROWTH_MAX_BYTES_PER_SECOND, `${slope} bytes a second`);
  assert.equal(lost, 0);
  await isWellAgain(daemon);
}

function corefile(port: number, upstream: UpstreamProcess, isTcp: boolean): string {
  return `.:${port} {
  bind 127.0.0.1
  errors
  cache 3600
  forward . ${upstream.to} {
    ${isTcp ? 'force_tcp' : ''}
  }
}
`;
}

/** A few names that stay in the cache, asked over and over. */
function hits(t: TestContext, daemon: Daemon, seconds: number): Promise<LoadReport> {
  return runLoad(t, daemon.ports.dns, {
    rate: HIT_RATE,
    seconds,
    names: HIT_NAMES,
    prefix: 'hit',
    prime: true,
  });
}

/** Scrapes twice a second for so long. */
async function watch(daemon: Daemon, seconds: number) {
  const samples: MemorySample[] = [];
  let inFlightMax = 0;
  const startedAtMs = performance.now();
  for (;;) {
    const atS = (performance.now() - startedAtMs) / 1000;
    if (atS > seconds) return { samples, inFlightMax };
    const scrape = await daemon.scrape();
    samples.push({ atS, bytes: scrape.value('process_resident_memory_bytes')! });
    inFlightMax = Math.max(inFlightMax, scrape.value('zerohop_in_flight_queries')!);
    await pause(500);
  }
}

async function isWellAgain(daemon: Daemon): Promise<void> {
  const query = { name: 'miss0.bench.example.org' };
  const signal = AbortSignal.timeout(2000);
  while ((await udpAsk(daemon.address, query)).rcode !== 'NOERROR') signal.throwIfAborted();
  for (let index = 1; index < 100; index++) {
    const reply = await udpAsk(daemon.address, { name: `miss${index}.bench.example.org` });
    assert.equal(reply.rcode, 'NOERROR');
  }
  const scrape = await daemon.scrape();
  assert.equal(scrape.value('zerohop_in_flight_queries'), 0);
}
