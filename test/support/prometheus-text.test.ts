/**
 * The reader of the exposition format.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scrape } from './prometheus-text.ts';

const TEXT = `# HELP coredns_dns_requests_total Counter of DNS requests.
# TYPE coredns_dns_requests_total counter
coredns_dns_requests_total{server="dns://127.0.0.1:53",proto="udp"} 3
coredns_dns_requests_total{server="dns://127.0.0.1:53",proto="tcp"} 4 1700000000000
coredns_dns_request_duration_seconds_bucket{le="+Inf"} +Inf
up 1e-3
odd{text="a \\"b\\" \\\\ {c},\\nd=\\"e\\""} NaN
`;

test('reads samples, labels and values', () => {
  const scrape = new Scrape(TEXT);
  assert.equal(scrape.samples.length, 5);
  assert.equal(scrape.value('coredns_dns_requests_total', { proto: 'tcp' }), 4);
  assert.equal(scrape.value('coredns_dns_request_duration_seconds_bucket'), Infinity);
  assert.equal(scrape.value('up'), 0.001);
  assert.equal(scrape.samples[4]?.labels.text, 'a "b" \\ {c},\nd="e"');
  assert.ok(Number.isNaN(scrape.value('odd')));
});

test('sums, and tells an absent series from an ambiguous one', () => {
  const scrape = new Scrape(TEXT);
  assert.equal(scrape.sum('coredns_dns_requests_total'), 7);
  assert.equal(scrape.sum('absent'), 0);
  assert.equal(scrape.value('absent'), undefined);
  assert.throws(() => scrape.value('coredns_dns_requests_total'), /several/);
});

test('throws at what is no sample', () => {
  assert.throws(() => new Scrape('up{ 1'), /not a sample/);
});
