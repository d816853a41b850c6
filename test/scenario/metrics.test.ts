/**
 * After a script of traffic the series have exactly the values that CoreDNS's would have: requests, responses, sizes, cache,
 * forward, and ours beside them. One block reports (`prometheus`), the other does not.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { TcpClient, UdpClient } from '../support/dns-client.ts';
import { encodeQuery, FLAG, type QueryFields } from '../support/messages.ts';
import type { Labels, Scrape } from '../support/prometheus-text.ts';
import { bare, negative } from '../support/scripted-replies.ts';
import { onEachBackend, type Stage, type StagePorts, until } from './stage.ts';

const COREFILE = ({ dns, prometheus, upstream }: StagePorts) => `
example.org:${dns} {
  bind 127.0.0.1
  cache
  prometheus 127.0.0.1:${prometheus}
  forward . 127.0.0.1:${upstream} {
    force_tcp
  }
}
silent.test:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}`;

const NAMES = ['a', 'b', 'gone', 'fails'].map((label) => `${label}.example.org`);

/** Over UDP. */
const UDP_QUERIES: readonly QueryFields[] = [
  { name: 'a.example.org' },
  { name: 'a.example.org' },
  { name: 'a.example.org', type: 'AAAA' },
  { name: 'a.example.org', edns: { dnssecOk: true } },
  { name: 'gone.example.org' },
  { name: 'gone.example.org' },
  { name: 'fails.example.org' },
  { name: 'fails.example.org' },
  { name: 'b.example.org', type: 65_280 },
  { name: 'a.elsewhere.test' },
  { name: 'a.example.org', edns: { version: 1 } },
];

const TCP_QUERIES: readonly QueryFields[] = [
  { name: 'a.example.org' },
  { name: 'b.example.org', type: 'SRV' },
];

interface Traffic {
  readonly udpOctets: number;
  readonly udpReplyOctets: number;
}

/** Sends the script; the sizes of what went over UDP to the block that reports. */
async function play(t: TestContext, stage: Stage): Promise<Traffic> {
  stage.script('gone.example.org', (query) => negative(query, 3, 'example.org', 60));
  stage.script('fails.example.org', (query) => bare(query, 2));
  stage.script('b.example.org', (query) => bare(query, 0));
  const client = await UdpClient.open(stage.daemon.address);
  t.after(() => client.close());
  let [udpOctets, udpReplyOctets] = [0, 0];
  for (const query of UDP_QUERIES) {
    const { octets } = await client.ask(query);
    if (!NAMES.includes(query.name as string) || query.edns?.version === 1) continue;
    udpOctets += encodeQuery(query).length;
    udpReplyOctets += octets.length;
  }
  client.send(encodeQuery({ name: 'a.example.org', flags: FLAG.QR }), new Uint8Array(3));
  await client.ask({ name: 'a.silent.test' });
  const tcp = await TcpClient.connect(stage.daemon.address);
  t.after(() => tcp.close());
  for (const query of TCP_QUERIES) await tcp.ask(query);
  return { udpOctets, udpReplyOctets };
}

/** A function that compares the series with these labels to a value, and names the series where it differs. */
function checker(scrape: Scrape, common: Labels) {
  return (series: string, labels: Labels, expected: number) => {
    const actual = scrape.sum(series, { ...common, ...labels });
    assert.equal(actual, expected, `${series} ${JSON.stringify(labels)}`);
  };
}

onEachBackend('the series after a script of traffic', { corefile: COREFILE }, async (t, stage) => {
  const { daemon } = stage;
  const server = `dns://127.0.0.1:${daemon.ports.dns}`;
  const traffic = await play(t, stage);
  await until('the ignored datagrams to be counted', async () => {
    return (await daemon.scrape()).sum('zerohop_ignored_datagrams_total') === 2;
  });
  const scrape = await daemon.scrape(daemon.ports.prometheus);
  const zone = { server, zone: 'example.org.', view: '' };

  await t.test('requests', () => {
    const check = checker(scrape, { ...zone, family: '1' });
    const requests = 'coredns_dns_requests_total';
    check(requests, { proto: 'udp', type: 'A' }, 7);
    check(requests, { proto: 'udp', type: 'AAAA' }, 1);
    check(requests, { proto: 'udp', type: 'other' }, 1);
    check(requests, { proto: 'tcp', type: 'A' }, 1);
    check(requests, { proto: 'tcp', type: 'SRV' }, 1);
    check(requests, {}, 11);
    checker(scrape, {})(requests, { zone: 'silent.test.' }, 0);
    checker(scrape, zone)('coredns_dns_do_requests_total', {}, 1);
  });

  await t.test('responses, by rcode and by who wrote them', () => {
    const check = checker(scrape, zone);
    const responses = 'coredns_dns_responses_total';
    check(responses, { rcode: 'NOERROR', plugin: 'forward' }, 5);
    check(responses, { rcode: 'NOERROR', plugin: 'cache' }, 2);
    check(responses, { rcode: 'NXDOMAIN', plugin: 'forward' }, 1);
    check(responses, { rcode: 'NXDOMAIN', plugin: 'cache' }, 1);
    check(responses, { rcode: 'SERVFAIL', plugin: 'forward' }, 1);
    check(responses, { rcode: 'SERVFAIL', plugin: 'cache' }, 1);
    check(responses, {}, 11);
  });

  await t.test('what was refused before any zone', () => {
    const check = checker(scrape, { server, zone: 'dropped' });
    check('coredns_dns_responses_total', { rcode: 'REFUSED', plugin: '' }, 1);
    check('coredns_dns_responses_total', { rcode: 'BADSIG', plugin: '' }, 1); // miekg/dns's name of 16
    check('coredns_dns_requests_total', { proto: 'udp' }, 2);
  });

  await t.test('sizes and durations', () => {
    const udp = checker(scrape, { ...zone, proto: 'udp' });
    udp('coredns_dns_request_size_bytes_count', {}, 9);
    udp('coredns_dns_request_size_bytes_sum', {}, traffic.udpOctets);
    udp('coredns_dns_request_size_bytes_bucket', { le: '100' }, 9);
    udp('coredns_dns_response_size_bytes_count', {}, 9);
    udp('coredns_dns_response_size_bytes_sum', {}, traffic.udpReplyOctets);
    udp('coredns_dns_response_size_bytes_bucket', { le: '+Inf' }, 9);
    const both = checker(scrape, zone);
    both('coredns_dns_request_size_bytes_count', { proto: 'tcp' }, 2);
    both('coredns_dns_request_duration_seconds_count', {}, 11);
    both('coredns_dns_request_duration_seconds_bucket', { le: '8.192' }, 11);
  });

  await t.test('cache', () => {
    const check = checker(scrape, { server, zones: 'example.org.', view: '' });
    check('coredns_cache_requests_total', {}, 11);
    check('coredns_cache_misses_total', {}, 7);
    check('coredns_cache_hits_total', { type: 'success' }, 2);
    check('coredns_cache_hits_total', { type: 'denial' }, 2);
    check('coredns_cache_entries', { type: 'success' }, 3);
    check('coredns_cache_entries', { type: 'denial' }, 2);
    check('coredns_cache_prefetch_total', {}, 0);
    check('coredns_cache_served_stale_total', {}, 0);
  });

  await t.test('forward', () => {
    const to = `127.0.0.1:${stage.upstream.port}`;
    const check = checker(scrape, { to });
    // What was late, where this process or the daemon was stopped, was asked for again, and the upstream was checked.
    const late = scrape.sum('zerohop_upstream_reasks_total', { to, reason: 'late' });
    const checkOrLate = (series: string, labels: Labels, expected: number) => {
      const actual = scrape.sum(series, { to, ...labels });
      const isRight = actual >= expected && actual <= expected + 2 * late;
      assert.ok(isRight, `${series} ${JSON.stringify(labels)}: ${actual}`);
    };
    const proxy = { proxy_name: 'forward' };
    const durations = 'coredns_proxy_request_duration_seconds_count';
    check(durations, { ...proxy, rcode: 'NOERROR' }, 6);
    check(durations, { ...proxy, rcode: 'NXDOMAIN' }, 1);
    check(durations, { ...proxy, rcode: 'SERVFAIL' }, 1);
    checkOrLate('coredns_proxy_conn_cache_misses_total', { ...proxy, proto: 'tcp' }, 1);
    checkOrLate('coredns_proxy_conn_cache_hits_total', { ...proxy, proto: 'tcp' }, 6);
    checkOrLate('coredns_proxy_conn_cache_misses_total', { ...proxy, proto: 'udp' }, 1);
    checkOrLate('zerohop_upstream_queries_written_total', {}, 8);
    checkOrLate('zerohop_upstream_responses_read_total', {}, 8);
    check('zerohop_upstream_reasks_total', {}, late);
  });

  await t.test('what is alike everywhere', () => {
    const check = checker(scrape, {});
    check('coredns_build_info', {}, 1);
    check('coredns_panics_total', {}, 0);
    check('coredns_forward_healthcheck_broken_total', {}, 0);
    check('coredns_plugin_enabled', { zone: 'example.org.' }, 3);
    check('coredns_plugin_enabled', { zone: 'silent.test.' }, 0);
    check('zerohop_coalesced_queries_total', {}, 0);
    check('zerohop_in_flight_queries', {}, 0);
  });

  await t.test('are the same at both endpoints', async () => {
    const own = await daemon.scrape();
    const series = (from: Scrape) => [...new Set(from.samples.map(({ name }) => name))];
    assert.deepEqual(series(own), series(scrape));
  });
});
