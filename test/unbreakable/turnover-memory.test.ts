/**
 * A small container, 96 MiB for everything, at 20,000 queries a second of which a tenth asks for names that nobody has asked for
 * before: the cache is full after five seconds and turns over from then on. Memory does not grow, and of the names that are
 * asked over and over none goes unanswered.
 *
 * As in `outage-memory.test.ts`, a first start leaves the stripped sources in Node's compile cache. `ZEROHOP_SOAK_SECONDS=600` makes it as
 * long as that; below a minute only 5,000 queries a second are asked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { costsOf } from '../../bench/costs.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { runLoad } from '../support/load.ts';
import { inParts } from '../support/load-parts.ts';
import { MemoryCgroup } from '../support/memory-cgroup.ts';
import { type MemorySample, rowOf, slopeOf } from '../support/memory-samples.ts';
import { UpstreamProcess } from '../support/upstream-process.ts';

const SECONDS = Number(process.env['ZEROHOP_SOAK_SECONDS'] ?? 30);
/** The short form shares two cores with other tests: there, what is lost at the full rate is lost by the generator's own sockets. */
const IS_SOAK = SECONDS >= 60;
const HIT_RATE = IS_SOAK ? 18_000 : 3000;
const HIT_NAMES = 200;
const FRESH_RATE = 2000;
/** What CoreDNS keeps of answers where the Corefile does not say. */
const CAPACITY = 9984;
const LIMIT_BYTES = 96 * 1024 * 1024;
/**
 * Heap, buffers and the cache find their size, before a slope says anything. Ten seconds after the start pages are given back that only it
 * needed (control/memory-return.ts), and those in use come back within a few seconds: with a short form of 20 s that was the slope.
 */
const WARM_UP_SHARE = 0.5;
/** An octet leaked a fresh name is 2 kB a second; garbage collection over few seconds is far more. */
const GROWTH_MAX_BYTES_PER_SECOND = IS_SOAK ? 20_000 : 2_000_000;

test(`the cache turns over for ${SECONDS} s in 96 MiB`, async (t) => {
  const limit = MemoryCgroup.create(t, LIMIT_BYTES);
  if (typeof limit === 'string') return t.skip(limit);
  const upstream = await UpstreamProcess.start(t);
  const options: DaemonOptions = {
    byLauncher: true,
    args: ['-responders=1'],
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  errors
  cache 3600
  forward . ${upstream.to} {
    force_tcp
  }
}
`,
  };
  await (await startDaemon(t, options)).stop();
  const daemon = await startDaemon(t, { ...options, wrapper: limit.wrapper });
  const watching = watch(daemon);
  const [hits, fresh] = await Promise.all([
    inParts(SECONDS, (seconds) => {
      const flags = { rate: HIT_RATE, names: HIT_NAMES, prefix: 'hit', prime: true as const };
      return runLoad(t, daemon.ports.dns, { ...flags, seconds, timeout: 5 });
    }),
    inParts(SECONDS, (seconds) => {
      const flags = { rate: FRESH_RATE, names: FRESH_RATE * seconds, prefix: 'fresh' };
      return runLoad(t, daemon.ports.dns, { ...flags, order: 'cycle', seconds, timeout: 5 });
    }),
  ]);
  const { anonymous, resident } = await watching;
  const scrape = await daemon.scrape();
  const evictions = scrape.sum('coredns_cache_evictions_total');
  const slopes = [anonymous, resident].map(settledSlope);
  t.diagnostic(
    `hits p99 ${hits.p99Us} us, ${hits.lost} lost of ${SECONDS * HIT_RATE}; fresh ${JSON.stringify(fresh.rcodes)}, ` +
      `${fresh.lost} lost; ${evictions} evicted; anonymous ${rowOf(anonymous)} MB, resident ${rowOf(resident)} MB, ` +
      `${slopes.map((slope) => Math.round(slope / 1000)).join(' and ')} kB a second; ${limit.report()}`,
  );
  assert.equal(limit.oomKills, 0);
  assert.equal(hits.lost, 0);
  assert.deepEqual(Object.keys(hits.rcodes), ['NOERROR']);
  assert.equal(fresh.lost, 0);
  assert.ok(evictions > 0.9 * (SECONDS * FRESH_RATE - CAPACITY), `${evictions} evicted`);
  for (const slope of slopes) {
    assert.ok(slope < GROWTH_MAX_BYTES_PER_SECOND, `${slope} bytes a second`);
  }
});

/** Twice a second, while the load lasts. */
async function watch({ pid }: Daemon) {
  const anonymous: MemorySample[] = [];
  const resident: MemorySample[] = [];
  const startedAtMs = performance.now();
  for (;;) {
    const atS = (performance.now() - startedAtMs) / 1000;
    if (atS > SECONDS) return { anonymous, resident };
    const { anonymousBytes, residentBytes } = costsOf(pid);
    anonymous.push({ atS, bytes: anonymousBytes });
    resident.push({ atS, bytes: residentBytes });
    await pause(500);
  }
}

function settledSlope(samples: readonly MemorySample[]): number {
  return slopeOf(samples.slice(Math.floor(samples.length * WARM_UP_SHARE)));
}
