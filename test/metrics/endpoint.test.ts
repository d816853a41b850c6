/** The metrics over HTTP: the exposition, and that scrapes count themselves. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:https';
import { afterEach, test } from 'node:test';
import { HttpEndpoint } from '../../src/base/http-endpoint.ts';
import { openMetricsEndpoint } from '../../src/metrics/endpoint.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import { CERTIFICATE, KEY } from '../upstream/support-certificate.ts';
import { parseExposition } from './exposition.ts';
import { createMetrics } from './scrape.ts';

const opened: HttpEndpoint[] = [];

afterEach(() => Promise.all(opened.splice(0).map((endpoint) => endpoint.close())));

/** Opens an endpoint; what is given back scrapes it. */
async function open(metrics: Metrics, onError: (error: Error) => void = assert.fail) {
  const endpoint = await openMetricsEndpoint({ host: '127.0.0.1', port: 0 }, metrics, {}, onError);
  assert.ok(endpoint instanceof HttpEndpoint);
  opened.push(endpoint);
  return () => fetch(`http://127.0.0.1:${endpoint.port}/metrics`);
}

test('a scrape gives the exposition, and counts itself', async () => {
  const scrape = await open(createMetrics().metrics);
  const first = await scrape();
  assert.equal(first.status, 200);
  assert.equal(first.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const families = parseExposition(await first.text());
  const { samples } = families.get('promhttp_metric_handler_requests_in_flight')!;
  assert.equal(samples[0]?.value, 1);
  const second = await scrape();
  assert.match(await second.text(), /^promhttp_metric_handler_requests_total\{code="200"\} 1$/m);
});

test('a scrape that fails is counted and reported', async () => {
  const { metrics } = createMetrics();
  const failure = new Error('no text today');
  metrics.expose = () => Promise.reject(failure);
  const errors: Error[] = [];
  const scrape = await open(metrics, (error) => void errors.push(error));
  assert.equal((await scrape()).status, 500);
  assert.deepEqual(errors, [failure]);
  assert.equal(metrics.families.scrapes.cell('500').value, 1);
  assert.equal(metrics.families.scrapesInFlight.cell().value, 0);
});

test('two endpoints show the same series', async () => {
  const { metrics } = createMetrics();
  metrics.families.panics.cell().value = 42;
  for (const scrape of [await open(metrics), await open(metrics)]) {
    assert.match(await (await scrape()).text(), /^coredns_panics_total 42$/m);
  }
});

test('over TLS', async () => {
  const { metrics } = createMetrics();
  const tls = { options: { cert: CERTIFICATE, key: KEY }, admits: () => true };
  const address = { host: '127.0.0.1', port: 0 };
  const endpoint = await openMetricsEndpoint(address, metrics, {}, assert.fail, tls);
  assert.ok(endpoint instanceof HttpEndpoint);
  opened.push(endpoint);
  const url = `https://127.0.0.1:${endpoint.port}/metrics`;
  const [response] = await once(get(url, { ca: CERTIFICATE, agent: false }), 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  assert.equal(response.statusCode, 200);
  assert.ok(parseExposition(text).has('coredns_build_info'));
});
