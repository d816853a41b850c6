/**
 * Every family of node-cache in a live scrape: its type, its labels, its buckets, at both listeners, after a script of traffic that
 * touches each of them; and what is there before the first query. Families of directives that are not delivered yet are pending
 * (`test/metrics/contract.ts`), and are asked for as soon as they are.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DIRECTIVE_ORDER, type DirectiveName } from '../../src/directives/order.ts';
import { COREDNS_OPTIONS } from '../directives/coredns-options.ts';
import {
  type FamilyContract,
  NODE_CACHE_FAMILIES,
  OWN_FAMILIES,
  SETUP_ERROR_TYPES,
} from '../metrics/contract.ts';
import { type ParsedFamily, parseExposition } from '../metrics/exposition.ts';
import { type DaemonPorts, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { Stage, type StagePorts, until } from './stage.ts';

/** The smallest cache that CoreDNS makes has 1024 entries; so many names make it give some up. */
const NAMES_BEYOND_CAPACITY = 1_100;

/** By miekg/dns's list in CoreDNS's `vars`; every other type is `other`. */
const TYPES: ReadonlyArray<[label: string, type: number]> = [
  ['A', 1],
  ['AAAA', 28],
  ['CNAME', 5],
  ['DNSKEY', 48],
  ['DS', 43],
  ['MX', 15],
  ['NSEC', 47],
  ['NSEC3', 50],
  ['NS', 2],
  ['PTR', 12],
  ['RRSIG', 46],
  ['SOA', 6],
  ['SRV', 33],
  ['TXT', 16],
  ['HTTPS', 65],
  ['SVCB', 64],
  ['IXFR', 251],
  ['AXFR', 252],
  ['ANY', 255],
  ['other', 65_280],
];

function corefile(ports: StagePorts, deadPort: number): string {
  const { dns, health, prometheus, upstream } = ports;
  const block = (zone: string, lines: string) => `
${zone}:${dns} {
  bind 127.0.0.1 ::1
  prometheus 127.0.0.1:${prometheus}
  ${lines}
}`;
  const forward = `forward . 127.0.0.1:${upstream}`;
  return [
    block('.', `errors\nlog\nbufsize 1232\ncache\nhealth 127.0.0.1:${health}\n${forward}`),
    block('small.test', `cache {\nsuccess 1024\n}\n${forward}`),
    block(
      'stale.test',
      `cache {\nsuccess 1024 3600 1\nserve_stale 1h\nprefetch 1 1m 90%\n}\n${forward}`,
    ),
    block('busy.test', `${forward} {\nmax_concurrent 1\n}`),
    block(
      'dead.test',
      `forward . 127.0.0.1:${deadPort} {\nmax_fails 1\nhealth_check 50ms\nfailfast_all_unhealthy_upstreams\n}`,
    ),
    ...directiveBlocks(block, forward),
  ].join('\n');
}

/** Blocks for families of directives of their own. */
function directiveBlocks(
  block: (zone: string, lines: string) => string,
  forward: string,
): string[] {
  const good = 'template IN A {\nanswer "{{ .Name }} 60 IN A 192.0.2.8"\n}';
  const failing = 'template IN TXT {\nanswer "{{ index .Match 9 }} 60 IN TXT x"\n}';
  const noRecord = 'template IN MX {\nanswer "{{ .Name }} 60 IN MX no record"\n}';
  return [
    block('hosts.test', 'hosts {\n192.0.2.7 seven.hosts.test\n}'),
    block('dns64.test', `dns64 {\nallow_ipv4\n}\n${forward}`),
    block('template.test', [good, failing, noRecord].join('\n')),
  ];
}

/** Runs everything that the families count. */
async function play(t: TestContext, stage: Stage): Promise<void> {
  const { daemon } = stage;
  await t.test('types, transports, families, DO', async () => {
    for (const [label, type] of TYPES) {
      stage.script(`${label}.types.test`, (query) => bare(query, 0));
      await stage.ask({ name: `${label}.types.test`, type });
    }
    await stage.askTcp({ name: 'tcp.types.test' });
    await udpAsk({ host: '::1', port: daemon.ports.dns }, { name: 'six.types.test' });
    await stage.ask({ name: 'do.types.test', edns: { dnssecOk: true } });
  });
  await t.test('cache: hits of both kinds, evictions', async () => {
    stage.script('gone.test', (query) => negative(query, 3, 'test', 60));
    for (const name of ['hit.test', 'hit.test', 'gone.test', 'gone.test'])
      await stage.ask({ name });
    const names = Array.from(
      { length: NAMES_BEYOND_CAPACITY },
      (_, index) => `${index}.small.test`,
    );
    for (let index = 0; index < names.length; index += 50) {
      await Promise.all(names.slice(index, index + 50).map((name) => stage.ask({ name })));
    }
  });
  await t.test('cache: prefetch, stale answers', async () => {
    stage.script('a.stale.test', (query) => addresses(query, '192.0.2.1', 1));
    await stage.ask({ name: 'a.stale.test' });
    await stage.ask({ name: 'a.stale.test' });
    await stage.whenAsked('a.stale.test', 2);
    stage.script('a.stale.test', (query) => bare(query, 2));
    await until('a stale answer', async () => {
      const reply = await stage.ask({ name: 'a.stale.test' });
      return 'ttl' in reply.decoded.answers[0]! && reply.decoded.answers[0].ttl === 0;
    });
  });
  await t.test('forward: a dead upstream, and too many queries', async () => {
    await stage.ask({ name: 'a.dead.test' });
    await until('its own request to its health endpoint', async () => {
      return (await daemon.scrape()).sum('coredns_health_request_duration_seconds_count') > 0;
    });
    await until('an upstream that is down', async () => {
      await stage.ask({ name: 'a.dead.test' });
      return (await daemon.scrape()).sum('coredns_forward_healthcheck_broken_total') > 0;
    });
    stage.upstream.hold();
    const first = stage.ask({ name: 'a.busy.test' });
    await stage.whenAsked('a.busy.test', 1);
    assert.equal((await stage.ask({ name: 'b.busy.test' })).rcode, 'REFUSED');
    stage.upstream.release();
    await first;
  });
  await t.test('hosts, dns64 and template', async () => {
    await stage.ask({ name: 'seven.hosts.test' });
    stage.script('a.dns64.test', (query) =>
      query.question.type === 'A' ? addresses(query, '192.0.2.1') : bare(query, 0),
    );
    await stage.ask({ name: 'a.dns64.test', type: 'AAAA' });
    for (const type of ['A', 'TXT', 'MX']) await stage.ask({ name: 'a.template.test', type });
  });
}

/** A family's samples with the same labels but `le`, and the value that says whether it counted. */
function totalOf({ name, type, samples }: ParsedFamily): number {
  const counting = type === 'histogram' ? `${name}_count` : name;
  return samples
    .filter((sample) => sample.name === counting)
    .reduce((sum, { value }) => sum + value, 0);
}

function checkShape(contract: FamilyContract, family: ParsedFamily | undefined): ParsedFamily {
  assert.ok(family, contract.name);
  assert.equal(family.type, contract.type, contract.name);
  for (const {
    labels: { le: _, ...labels },
  } of family.samples) {
    assert.deepEqual(Object.keys(labels).sort(), contract.labels.toSorted(), contract.name);
  }
  const bounds = new Set(family.samples.flatMap(({ labels }) => labels.le ?? []));
  const expected = family.samples.length === 0 ? [] : [...contract.buckets];
  bounds.delete('+Inf');
  assert.deepEqual([...bounds], expected, contract.name);
  return family;
}

async function scrape(port: number, accept = 'text/plain'): Promise<Map<string, ParsedFamily>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  return parseExposition(await response.text());
}

test("node-cache's families before the first query and after a script of traffic", async (t) => {
  const [deadPort] = (await freePorts(1)) as [number];
  const stage = await Stage.set(t, 'mmsg', { corefile: (ports) => corefile(ports, deadPort) });
  const { daemon } = stage;
  const listeners = [daemon.ports.metrics, daemon.ports.prometheus];

  await t.test(
    'before the first query: what has no labels, at 0, and what is known from the start',
    async () => {
      const families = await scrape(daemon.ports.metrics);
      for (const contract of NODE_CACHE_FAMILIES) {
        const { samples } = checkShape(contract, families.get(contract.name));
        if (contract.labels.length === 0) assert.ok(samples.length > 0, contract.name);
      }
      const setUp = families.get('coredns_nodecache_setup_errors_total')!.samples;
      assert.deepEqual(setUp.map(({ labels }) => labels.errortype).sort(), SETUP_ERROR_TYPES);
      const codes = families.get('promhttp_metric_handler_requests_total')!.samples;
      assert.deepEqual(codes.map(({ labels }) => labels.code).sort(), ['200', '500', '503']);
      assert.equal(totalOf(families.get('promhttp_metric_handler_requests_in_flight')!), 1);
      assert.equal(totalOf(families.get('coredns_build_info')!), 1);
    },
  );

  await play(t, stage);
  await t.test('a reload that fails, and one that changes something', async () => {
    assert.match(await daemon.reloadWith('. {\n no_such_directive\n}\n'), /failed/);
    const changed = ({ dns }: DaemonPorts) => `last.test:${dns} {\nbind 127.0.0.1 ::1\nerrors\n}\n`;
    const { port: upstream } = stage.upstream;
    const line = await daemon.reloadWith((ports) => {
      return `${corefile({ ...ports, upstream }, deadPort)}\n${changed(ports)}`;
    });
    assert.match(line, /complete/);
  });

  for (const [index, port] of listeners.entries()) {
    await t.test(
      `after the traffic: ${['-metrics-listen-address', 'prometheus'][index]}`,
      async () => {
        const families = await scrape(port);
        for (const contract of NODE_CACHE_FAMILIES) {
          const family = checkShape(contract, families.get(contract.name));
          const total = totalOf(family);
          if (contract.liveliness === 'counts') assert.ok(total > 0, `${contract.name} counts`);
          else assert.equal(total, 0, contract.name);
          if (contract.liveliness === 'idle') assert.deepEqual(family.samples, [], contract.name);
        }
      },
    );
  }

  await t.test('the type label is of the listed types, or other', async () => {
    const types = await daemon.scrape();
    for (const [type] of TYPES) {
      assert.ok(types.sum('coredns_dns_requests_total', { zone: '.', type }) > 0, type);
    }
  });

  await t.test(
    'nothing of a runtime that is not here, nor histograms that text cannot carry',
    async () => {
      const accept =
        'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
      const families = await scrape(daemon.ports.metrics, accept);
      const expected = [...NODE_CACHE_FAMILIES, ...OWN_FAMILIES].map(({ name }) => name);
      assert.deepEqual([...families.keys()].sort(), expected.sort());
    },
  );
});

/** Directives that CoreDNS has in its chain; the others only set something up. */
const HANDLERS: readonly DirectiveName[] = [
  'metadata',
  'bufsize',
  'trace',
  'prometheus',
  'errors',
  'log',
  'dnstap',
  'dns64',
  'loadbalance',
  'cache',
  'rewrite',
  'template',
  'hosts',
  'loop',
  'forward',
  'whoami',
];

test('coredns_plugin_enabled names every directive that handles queries, and no other', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => bare(query, 3));
  const others = DIRECTIVE_ORDER.filter(
    (name) => !['bind', 'prometheus', 'forward', 'health', 'timeouts'].includes(name),
  );
  const daemon = await startDaemon(t, {
    corefile: ({ dns, prometheus, health }) => `
all.test:${dns} {
  bind 127.0.0.1
  prometheus 127.0.0.1:${prometheus}
  health 127.0.0.1:${health}
  timeouts {
    read 3s
  }
  forward . 127.0.0.1:${upstream.port}
  ${others.map((name) => COREDNS_OPTIONS[name].head).join('\n')}
}`,
  });
  const scrape = await daemon.scrape();
  const names = scrape.matching('coredns_plugin_enabled').map(({ labels }) => labels.name);
  assert.deepEqual(names.sort(), HANDLERS.toSorted());
});
