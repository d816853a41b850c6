/**
 * One pod asks 20,000 random names a second; the others go on. The flood is the load generator from 127.0.0.1, the others are
 * sockets of their own on other loopback addresses. Time is printed, not judged: it is the machine's as well.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startUpstream } from '../../bench/load/upstream.ts';
import { startDaemon } from '../support/daemon.ts';
import { encodeQuery } from '../support/messages.ts';
import { until } from '../support/until.ts';

const GENERATOR = join(import.meta.dirname, '../../bench/load/cli.ts');
const FLOOD_PER_SECOND = 20_000;
const SECONDS = 4;
/** Of each of the modest pods: a name never asked before, and one that is cached. */
const INTERVAL_MS = 20;
const PODS = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];

interface Figures {
  asked: number;
  answered: number;
  readonly latenciesMs: number[];
}

/** Asks one name every INTERVAL_MS for a while, each once, and waits for late answers. */
async function askSteadily(
  socket: Socket,
  port: number,
  seconds: number,
  nameOf: (index: number) => string,
): Promise<Figures> {
  const figures: Figures = { asked: 0, answered: 0, latenciesMs: [] };
  const sentAtMs = new Map<number, number>();
  socket.on('message', (reply) => {
    const id = reply.readUInt16BE(0);
    const sent = sentAtMs.get(id);
    if (sent === undefined) return;
    sentAtMs.delete(id);
    if ((reply[3]! & 15) !== 0) return;
    figures.answered += 1;
    figures.latenciesMs.push(performance.now() - sent);
  });
  const count = (seconds * 1000) / INTERVAL_MS;
  for (let index = 0; index < count; index++) {
    const id = index + 1;
    sentAtMs.set(id, performance.now());
    figures.asked += 1;
    socket.send(encodeQuery({ id, name: nameOf(index) }), port, '127.0.0.1');
    await setTimeout(INTERVAL_MS);
  }
  // A stub waits five seconds; two are enough for what was not lost.
  for (let waited = 0; waited < 20 && sentAtMs.size > 0; waited++) await setTimeout(100);
  return figures;
}

function percentile(values: readonly number[], part: number): string {
  const sorted = [...values].sort((left, right) => left - right);
  return (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(2);
}

test('one pod’s flood of misses leaves the others their misses and hits', async (t) => {
  const upstream = await startUpstream();
  t.after(() => upstream.close());
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream.port} {
    force_tcp
  }
}`,
  });
  const { port } = daemon.address;
  const open = async (address: string) => {
    const socket = createSocket('udp4');
    t.after(() => socket.close());
    socket.bind(0, address);
    await once(socket, 'listening');
    return socket;
  };
  const hitName = (index: number) => `hit-${index % 20}.example.org`;
  const run = async (what: string, seconds: number) => {
    const misses = PODS.map(async (pod) =>
      askSteadily(await open(pod), port, seconds, (index) => `${what}-${pod}-${index}.example.org`),
    );
    const hits = PODS.map(async (pod) => askSteadily(await open(pod), port, seconds, hitName));
    return { misses: await Promise.all(misses), hits: await Promise.all(hits) };
  };
  const print = (what: string, all: readonly Figures[]) => {
    const asked = all.reduce((sum, figures) => sum + figures.asked, 0);
    const answered = all.reduce((sum, figures) => sum + figures.answered, 0);
    const latencies = all.flatMap(({ latenciesMs }) => latenciesMs);
    const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
    t.diagnostic(`${what}: ${answered} of ${asked} answered, p50 ${p50} ms, p99 ${p99} ms`);
    return answered / asked;
  };

  const calm = await run('calm', SECONDS - 1);
  print('calm, misses', calm.misses);
  print('calm, hits', calm.hits);

  const flood = promisify(execFile)(process.execPath, [
    GENERATOR,
    `--server=127.0.0.1:${port}`,
    `--rate=${FLOOD_PER_SECOND}`,
    `--seconds=${SECONDS}`,
    `--names=${FLOOD_PER_SECOND * SECONDS}`,
    '--order=once',
    '--prefix=flood',
  ]);
  await until('the flood has begun', async () => {
    const asked = (await daemon.scrape()).sum('coredns_cache_misses_total', {});
    return asked > FLOOD_PER_SECOND / 4;
  });
  const stormy = await run('stormy', SECONDS - 1);
  const missShare = print('flood, misses of the others', stormy.misses);
  const hitShare = print('flood, hits of the others', stormy.hits);
  const report = JSON.parse((await flood.catch((error: { stdout: string }) => error)).stdout);
  t.diagnostic(`flood: ${report.sent} sent, rcodes ${JSON.stringify(report.rcodes)}`);
  assert.ok(missShare >= 0.999, `misses answered: ${missShare}`);
  assert.ok(hitShare >= 0.999, `hits answered: ${hitShare}`);
});
