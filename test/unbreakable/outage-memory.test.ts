/**
 * A long outage: the upstream is dead, and 5,000 questions a second ask for names that are not in the cache, beside clients that
 * ask for names that are. Memory and queues stay bounded, the latter clients notice nothing, and afterwards all is well.
 *
 * `ZEROHOP_SOAK_SECONDS=600` makes the outage as long as that.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadReport } from '../../bench/load/generator.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { runLoad } from '../support/load.ts';
import { UpstreamProcess } from '../support/upstream-process.ts';

const OUTAGE_SECONDS = Number(process.env['ZEROHOP_SOAK_SECONDS'] ?? 10);
const MISS_RATE = 5000;
const HIT_RATE = 2000;
const HIT_NAMES = 200;
/** The bound of the resolver's table. */
const IN_FLIGHT_MAX = 16_384;
/** Heap, buffers and tables find their size, before a slope says anything. */
const WARM_UP_SHARE = 0.4;
/** A leak of an octet a question is 5 kB a second; the noise of garbage collection over so few seconds is far larger. */
const GROWTH_MAX_BYTES_PER_SECOND = OUTAGE_SECONDS >= 60 ? 50_000 : 3_000_000;
/** Two processes of load and the daemon on two shared cores: what a queue of ours would add is seconds. */
const HIT_P99_RATIO_MAX = 20;
const HIT_P99_FLOOR_US = 5000;

for (const transport of ['UDP', 'TCP']) {
  test(`the upstream is dead for ${OUTAGE_SECONDS} s, over ${transport}`, (t) =>
    play(t, transport === 'TCP'));
}

async function play(t: TestContext, isTcp: boolean): Promise<void> {
  const upstream = await UpstreamProcess.start(t);
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  errors
  cache 3600
  forward . ${upstream.to} {
    ${isTcp ? 'force_tcp' : ''}
  }
}
`,
  });
  const before = await hits(t, daemon, 3);
  upstream.stop();
  const misses = runLoad(t, daemon.ports.dns, {
    rate: MISS_RATE,
    seconds: OUTAGE_SECONDS,
    names: Math.min(1_000_000, MISS_RATE * OUTAGE_SECONDS),
    order: 'cycle',
    prefix: 'miss',
    timeout: 5,
  });
  const watching = watch(daemon, OUTAGE_SECONDS);
  await pause(1000);
  const during = await hits(t, daemon, OUTAGE_SECONDS - 3);
  const { samples, inFlightMax } = await watching;
  const { rcodes, lost } = await misses;
  upstream.goOn();
  const slope = slopeOf(samples.slice(Math.floor(samples.length * WARM_UP_SHARE)));
  t.diagnostic(
    `hits p99 ${before.latencyUs.p99} us before, ${during.latencyUs.p99} us during, ${during.lost} lost; ` +
      `resident ${samples.map(({ bytes }) => Math.round(bytes / 1e6)).join(' ')} MB, ` +
      `${Math.round(slope / 1000)} kB a second; in flight ${inFlightMax} at most; ` +
      `misses ${JSON.stringify(rcodes)}, ${lost} lost`,
  );
  assert.equal(during.lost, 0);
  assert.deepEqual(Object.keys(during.rcodes), ['NOERROR']);
  const allowedUs = Math.max(HIT_P99_FLOOR_US, HIT_P99_RATIO_MAX * before.latencyUs.p99);
  assert(during.latencyUs.p99 < allowedUs, `${during.latencyUs.p99} us, allowed ${allowedUs}`);
  assert(inFlightMax > 0 && inFlightMax <= IN_FLIGHT_MAX, `${inFlightMax} in flight`);
  assert(slope < GROWTH_MAX_BYTES_PER_SECOND, `${slope} bytes a second`);
  assert.equal(lost, 0);
  await isWellAgain(daemon);
}

/** A few names that stay in the cache, asked over and over. */
function hits(t: TestContext, daemon: Daemon, seconds: number): Promise<LoadReport> {
  return runLoad(t, daemon.ports.dns, {
    rate: HIT_RATE,
    seconds: Math.max(1, seconds),
    names: HIT_NAMES,
    prefix: 'hit',
    prime: true,
  });
}

interface MemorySample {
  readonly atS: number;
  readonly bytes: number;
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

/** Of the line that fits best (least squares), in bytes a second. */
function slopeOf(samples: readonly MemorySample[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanS = mean(samples.map(({ atS }) => atS));
  const meanBytes = mean(samples.map(({ bytes }) => bytes));
  let above = 0;
  let below = 0;
  for (const { atS, bytes } of samples) {
    above += (atS - meanS) * (bytes - meanBytes);
    below += (atS - meanS) ** 2;
  }
  return above / below;
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
