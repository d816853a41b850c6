/** `trace`: which queries are followed, the spans they leave, and how these come to a collector. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import type { SpanRecord } from '../../src/directives/recorded-span.ts';
import { chainOf, type Stage } from '../../src/directives/resolution.ts';
import { SpanExporter } from '../../src/directives/span-exporter.ts';
import { spanRequest } from '../../src/directives/span-format.ts';
import type { TraceOptions } from '../../src/directives/trace.ts';
import { TraceStage } from '../../src/directives/trace-stage.ts';
import { until } from '../support/until.ts';
import { configOf, failureOf } from './server-block.ts';
import { questionFrom } from './stage-play.ts';

const optionsOf = (corefile: string): TraceOptions => configOf(corefile).trace!;

/** A traced chain: `trace`, then a stage that asks on, then one that fails. */
function chainWith(corefile: string, spans: SpanRecord[]) {
  let nowMs = 1000;
  const clock = { nowMs: () => nowMs++ };
  const sink = { add: (span: SpanRecord) => spans.push(span), close: () => {} };
  const trace = new TraceStage(optionsOf(corefile), sink, clock);
  const middle: Stage = { name: 'middle', resolve: (question, next) => next(question) };
  const failing: Stage = {
    name: 'failing',
    resolve(question) {
      question.span?.tag('peer.address', '192.0.2.1:53');
      return Promise.resolve({ ok: false, rcode: 2, reason: 'no luck' });
    },
  };
  return chainOf([trace, middle, failing], () => assert.fail('the stage before answers'));
}

suite('spans', () => {
  test('one for each stage, within that of the query', async () => {
    const spans: SpanRecord[] = [];
    const resolution = await chainWith('trace', spans)(questionFrom('a.example AAAA'));
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['failing', 'middle', 'servedns'],
    );
    const [failing, middle, root] = spans as [SpanRecord, SpanRecord, SpanRecord];
    assert.equal(root.parentId, undefined);
    assert.equal(middle.parentId, root.id);
    assert.equal(failing.parentId, middle.id);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    assert.match(root.traceId, /^[\da-f]{32}$/);
    assert.match(root.id, /^[\da-f]{16}$/);
    assert.deepEqual(failing.tags, { 'peer.address': '192.0.2.1:53' });
    assert.deepEqual(root.tags, {
      'coredns.io/name': 'a.example.',
      'coredns.io/type': 'AAAA',
      'coredns.io/proto': 'udp',
      'coredns.io/remote': '192.0.2.99',
      'coredns.io/rcode': 'SERVFAIL',
    });
    assert.equal(root.error, 'no luck');
    assert.equal(root.startUs < middle.startUs && middle.startUs < failing.startUs, true);
    assert.equal(root.durationUs, 5000);
    assert.equal(Math.abs(root.startUs / 1000 - Date.now()) < 60_000, true);
    assert.deepEqual(resolution.provenance, { traceId: root.traceId });
  });

  test('of every so many queries', async () => {
    for (const [every, expected] of [
      [1, 6],
      [3, 2],
      [0, 0],
    ] as const) {
      const spans: SpanRecord[] = [];
      const ask = chainWith(`trace {\nevery ${every}\n}`, spans);
      for (let count = 0; count < 6; count++) await ask(questionFrom('a.example A'));
      assert.equal(spans.filter(({ name }) => name === 'servedns').length, expected, `${every}`);
    }
  });
});

const SPAN: SpanRecord = {
  traceId: '0123456789abcdef0123456789abcdef',
  id: '00000000000000ff',
  parentId: undefined,
  name: 'servedns',
  startUs: 1_700_000_000_123_456,
  durationUs: 250,
  tags: { 'coredns.io/name': 'a.example.' },
  error: undefined,
};
const CHILD: SpanRecord = {
  ...SPAN,
  id: '0000000000000100',
  parentId: SPAN.id,
  name: 'forward',
  tags: {},
  error: 'x',
};

suite('formats', () => {
  test('Zipkin v2', () => {
    const request = spanRequest([SPAN, CHILD], optionsOf('trace'));
    assert.equal(request.method, 'POST');
    assert.deepEqual(JSON.parse(request.body), [
      {
        traceId: SPAN.traceId,
        id: SPAN.id,
        name: 'servedns',
        kind: 'SERVER',
        timestamp: 1_700_000_000_123_456,
        duration: 250,
        localEndpoint: { serviceName: 'coredns' },
        tags: { 'coredns.io/name': 'a.example.' },
      },
      {
        traceId: SPAN.traceId,
        id: CHILD.id,
        parentId: SPAN.id,
        name: 'forward',
        timestamp: 1_700_000_000_123_456,
        duration: 250,
        localEndpoint: { serviceName: 'coredns' },
        tags: { error: 'x' },
      },
    ]);
  });

  test('OTLP', () => {
    const options = optionsOf('trace otlp collector:4318 {\nservice node-dns\n}');
    const { resourceSpans } = JSON.parse(spanRequest([SPAN, CHILD], options).body);
    assert.deepEqual(resourceSpans[0].resource.attributes, [
      { key: 'service.name', value: { stringValue: 'node-dns' } },
    ]);
    const [root, child] = resourceSpans[0].scopeSpans[0].spans;
    assert.deepEqual(root, {
      traceId: SPAN.traceId,
      spanId: SPAN.id,
      name: 'servedns',
      kind: 2,
      startTimeUnixNano: '1700000000123456000',
      endTimeUnixNano: '1700000000123706000',
      attributes: [{ key: 'coredns.io/name', value: { stringValue: 'a.example.' } }],
    });
    assert.deepEqual([child.parentSpanId, child.status], [SPAN.id, { code: 2, message: 'x' }]);
  });

  test('Datadog: nanoseconds and ids are numbers', () => {
    const request = spanRequest([SPAN, CHILD], optionsOf('trace datadog agent:8126'));
    assert.deepEqual([request.method, request.headers['x-datadog-trace-count']], ['PUT', '1']);
    assert.match(request.body, /"start":1700000000123456000,"duration":250000,/);
    const [[root, child]] = JSON.parse(request.body);
    assert.deepEqual([root.parent_id, child.parent_id, child.error], [0, 255, 1]);
    assert.equal(root.trace_id, 0x3456789abcdef);
  });
});

interface Collector {
  readonly url: string;
  readonly batches: { path: string; spans: { name: string }[] }[];
  /** What is answered. */
  status: number;
}

async function startCollector(t: TestContext): Promise<Collector> {
  const batches: Collector['batches'] = [];
  const collector = { url: '', batches, status: 202 };
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks = await request.toArray();
    const path = `${request.method} ${request.url}`;
    batches.push({ path, spans: JSON.parse(Buffer.concat(chunks).toString()) });
    response.writeHead(collector.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  collector.url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return collector;
}

suite('export', () => {
  function exporterTo(t: TestContext, url: string, block = '') {
    const lines: string[] = [];
    let dropped = 0;
    const exporter = new SpanExporter(optionsOf(`trace ${url} {\n${block}\n}`), {
      log: createLog((line) => lines.push(line)),
      onDropped: (count) => {
        dropped += count;
      },
    });
    t.after(() => exporter.close());
    return { exporter, lines, dropped: () => dropped };
  }

  const spanNamed = (name: string): SpanRecord => ({ ...SPAN, name });

  test('a full batch at once, the rest with time', async (t) => {
    const collector = await startCollector(t);
    const block = 'zipkin_max_batch_size 2\nzipkin_max_batch_interval 30ms';
    const { exporter } = exporterTo(t, collector.url, block);
    for (const name of ['a', 'b', 'c']) exporter.add(spanNamed(name));
    await until('all spans', () => collector.batches.flatMap(({ spans }) => spans).length === 3);
    assert.deepEqual(
      collector.batches.map(({ path, spans }) => [path, ...spans.map(({ name }) => name)]),
      [
        ['POST /api/v2/spans', 'a', 'b'],
        ['POST /api/v2/spans', 'c'],
      ],
    );
  });

  test('close sends what waits', async (t) => {
    const collector = await startCollector(t);
    const { exporter } = exporterTo(t, collector.url, 'zipkin_max_batch_interval 1h');
    exporter.add(spanNamed('a'));
    exporter.close();
    await until('the span', () => collector.batches.length === 1);
  });

  test('beyond the backlog the oldest are dropped', async (t) => {
    const collector = await startCollector(t);
    const block = 'zipkin_max_backlog_size 2\nzipkin_max_batch_interval 1h';
    const { exporter, dropped } = exporterTo(t, collector.url, block);
    for (const name of ['a', 'b', 'c', 'd']) exporter.add(spanNamed(name));
    assert.equal(dropped(), 2);
    exporter.close();
    await until('the others', () => collector.batches.length === 1);
    assert.deepEqual(
      collector.batches[0]!.spans.map(({ name }) => name),
      ['c', 'd'],
    );
  });

  test('what no collector takes is dropped, counted and said', async (t) => {
    const collector = await startCollector(t);
    collector.status = 500;
    const { exporter, dropped, lines } = exporterTo(t, collector.url, 'zipkin_max_batch_size 1');
    exporter.add(spanNamed('a'));
    await until('the line', () => lines.length === 1);
    assert.match(lines[0]!, /1 spans dropped: http:\S+\/api\/v2\/spans: HTTP status 500/);
    collector.status = 202;
    exporter.add(spanNamed('b'));
    await until('the next span', () => collector.batches.length === 2);
    assert.equal(dropped(), 1);
  });
});

test('what the Corefile may say', () => {
  const { url } = optionsOf('trace tracinghost:9253');
  assert.equal(url, 'http://tracinghost:9253/api/v2/spans');
  assert.equal(optionsOf('trace https://h/zipkin/api').url, 'https://h/zipkin/api');
  assert.equal(optionsOf('trace datadog localhost:8126').url, 'http://localhost:8126/v0.4/traces');
  assert.match(failureOf('trace jaeger h:1'), /'jaeger': expected zipkin, datadog or otlp/);
  assert.match(failureOf('trace h:99999'), /expected HOST:PORT or an http URL/);
});
