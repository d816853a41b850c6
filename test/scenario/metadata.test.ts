/** `trace` and `metadata` in the daemon: spans come to a collector, and `log` shows the labels, also of cached answers. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { onEachBackend, type StagePorts, until } from './stage.ts';

interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly tags: Record<string, string>;
}

const spans: ZipkinSpan[] = [];
const collector = createServer(async (request, response) => {
  spans.push(...JSON.parse(Buffer.concat(await request.toArray()).toString()));
  response.writeHead(202).end();
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
const { port: collectorPort } = collector.address() as AddressInfo;
after(() => {
  collector.closeAllConnections();
  collector.close();
});

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  metadata
  trace 127.0.0.1:${collectorPort} {
    zipkin_max_batch_interval 50ms
  }
  log . "line {name} {/forward/upstream} {/trace/traceid} {/log/class}"
  cache
  forward . 127.0.0.1:${upstream}
}`;

onEachBackend('a traced query', { corefile: COREFILE }, async (_t, stage) => {
  const name = `${stage.backend}.example.org`;
  for (const _ of [1, 2]) await stage.ask({ name });
  const ofName = () => spans.filter(({ tags }) => tags['coredns.io/name'] === `${name}.`);
  await until('the spans of both queries', () => ofName().length === 2);
  const namesOf = (traceId: string) =>
    spans.filter((span) => span.traceId === traceId).map((span) => span.name);
  const [first, second] = ofName() as [ZipkinSpan, ZipkinSpan];
  assert.deepEqual(namesOf(first.traceId).toSorted(), ['cache', 'forward', 'servedns']);
  assert.deepEqual(namesOf(second.traceId).toSorted(), ['cache', 'servedns']);
  const forward = spans.find((span) => span.traceId === first.traceId && span.name === 'forward');
  assert.equal(forward?.tags['peer.address'], `127.0.0.1:${stage.upstream.port}`);
  const lines = () => stage.daemon.log.filter((line) => line.includes(`line ${name}`));
  await until('both lines', () => lines().length === 2);
  assert.deepEqual(lines(), [
    `[INFO] line ${name}. 127.0.0.1:${stage.upstream.port} ${first.traceId} success`,
    `[INFO] line ${name}. - ${second.traceId} success`,
  ]);
});
