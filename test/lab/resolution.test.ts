/**
 * Pods of a node with Zerohop resolve: at the link-local address, at kube-dns's own, over UDP and TCP, IPv4 and IPv6; every form of a
 * name that Kubernetes' own tests ask for; by dig, and by glibc and musl as programs do.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { compile } from '../support/c-program.ts';
import type { ProxyMode } from './kube-proxy.ts';
import { Lab, type LabNode, type Pod } from './lab.ts';
import { KUBE_DNS, LINK_LOCAL, NODE_DOMAIN, SEARCH } from './topology.ts';
import { startZerohop } from './zerohop.ts';
import { CLUSTER, SERVICE_COUNT, serviceAddress, serviceName } from './zones.ts';

const GETADDRINFO = join(import.meta.dirname, '../clients/getaddrinfo.c');
const SVC = `svc.${CLUSTER}`;

/** What `dig` is asked beside the server and the transport, and what `+short` gives, sorted. */
const NAMES: readonly (readonly [readonly string[], readonly string[]])[] = [
  ...[
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.${SVC}`,
  ].flatMap(
    (name) =>
      [
        [[name, 'A'], ['10.96.0.1']],
        [[name, 'AAAA'], ['fd00:10:96::1']],
      ] as const,
  ),
  [['kube-dns.kube-system'], [KUBE_DNS.v4]],
  [['db.default.svc'], ['10.244.2.9', '10.244.3.7']],
  [['db-0.db'], ['10.244.3.7']],
  [['10-244-3-7.default.pod.cluster.local'], ['10.244.3.7']],
  [['_http._tcp.web.default.svc', 'SRV'], [`0 100 80 web.default.${SVC}.`]],
  [['-x', '10.96.1.1'], [`web.default.${SVC}.`]],
  [['-x', 'fd00:10:96::1:1'], [`web.default.${SVC}.`]],
  [['-x', '198.18.0.1'], ['api-0001.example.com.']],
  [['api-0001.example.com'], ['198.18.0.1']],
  [['mirror'], ['198.18.0.1', 'api-0001.example.com.']],
  [['nope.default'], []],
];

for (const proxy of ['iptables', 'iptables-legacy', 'nftables'] as const) {
  suite(`pods of a node, kube-proxy's ${proxy}`, () => resolution(proxy));
}

function resolution(proxy: ProxyMode): void {
  let lab: Lab;
  let node: LabNode;
  let pod: Pod;

  before(async () => {
    lab = await Lab.start({ after() {} }, { proxy, nodes: 3, podsPerNode: 2 });
    node = lab.node(2);
    pod = node.pods[1]!;
    await (await startZerohop(node)).intercepts();
  });
  after(() => lab?.close());

  test('the bindings', async (t) => {
    const sockets = (await node.run(['ss', '-Hlntup'])).split('\n');
    for (const address of [LINK_LOCAL.v4, KUBE_DNS.v4, `[${LINK_LOCAL.v6}]`, `[${KUBE_DNS.v6}]`]) {
      for (const protocol of ['udp', 'tcp']) {
        const isBound = (line: string) =>
          line.startsWith(protocol) && line.includes(` ${address}:53 `);
        assert.ok(sockets.some(isBound), `${protocol} ${address}:53`);
      }
    }
    t.diagnostic(`ss -lntup\n${sockets.map((line) => line.trim()).join('\n')}`);
  });

  for (const [addresses, what] of [
    [LINK_LOCAL, 'the link-local address'],
    [KUBE_DNS, 'the ClusterIP'],
  ] as const) {
    for (const address of Object.values(addresses)) {
      test(`every form of a name, at ${what} ${address}`, async () => {
        pod.setResolver(address);
        const before = await packetsToReplicas(lab);
        for (const transport of ['+notcp', '+tcp']) {
          const groups = NAMES.map(([question]) => ['+search', '+short', transport, ...question]);
          const answers = await Promise.all(groups.map((args) => pod.run(['dig', ...args])));
          const sorted = answers.map((each) => each.split('\n').filter(Boolean).sort());
          assert.deepEqual(
            sorted,
            NAMES.map(([, expected]) => [...expected].sort()),
          );
        }
        assert.equal(
          (await packetsToReplicas(lab)) - before,
          0,
          'queries that went to kube-dns by UDP',
        );
      });
    }
  }

  test('glibc, musl and getent find them as programs do', async (t) => {
    for (const compiler of ['cc', 'musl-gcc'] as const) {
      const program = await compile(GETADDRINFO, compiler, lab.folder);
      for (const server of [LINK_LOCAL.v4, KUBE_DNS.v4, LINK_LOCAL.v6, KUBE_DNS.v6]) {
        pod.setResolver(server);
        const output = await pod.run([
          program,
          'kubernetes.default',
          'db',
          'api-0002.example.com',
          'mirror',
        ]);
        const found = output.split('\n').map((line) => line.split(' ').sort().join(' '));
        assert.deepEqual(found, [
          '10.96.0.1 fd00:10:96::1 kubernetes.default',
          '10.244.2.9 10.244.3.7 db fd00:10:244:3::7',
          '198.18.0.2 2001:db8::2 api-0002.example.com',
          '198.18.0.1 2001:db8::1 mirror',
        ]);
      }
    }
    assert.match(await pod.run(['getent', 'hosts', 'db-0.db']), /^10\.244\.3\.7\s+db-0\.db/);
    t.diagnostic('4 names, 4 servers, glibc 2.36 and musl');
  });

  test('search paths of more than 6 domains and 256 characters, and with odd labels', async () => {
    const long = ['a', 'b', 'c'].map((label) => `${label.repeat(60)}.${NODE_DOMAIN}`);
    // dig takes 8 domains at most; glibc takes any number.
    const few = ['_odd.example.com', ...long, ...SEARCH.slice(0, 3)];
    const many = Array.from({ length: 28 }, (_, index) => `search-${index}.${NODE_DOMAIN}`);
    assert.ok(few.length === 7 && few.join(' ').length > 256);
    pod.setResolver(LINK_LOCAL.v4, few);
    assert.equal(await pod.run(['dig', '+search', '+short', 'db-0.db']), '10.244.3.7');
    for (const search of [few, ['.', ...few], [...many, ...SEARCH]]) {
      pod.setResolver(LINK_LOCAL.v4, search);
      assert.match(await pod.run(['getent', 'ahostsv4', 'db-0.db']), /^10\.244\.3\.7\s/);
    }
  });

  test('of 10,000 services, 5 % asked, each has its one address', async (t) => {
    const numbers = Array.from({ length: SERVICE_COUNT / 20 }, (_, index) => index * 20 + 7);
    const lines = numbers.map((number) => `${serviceName(number)}.${SVC} A`);
    const args = ['+short', `@${KUBE_DNS.v4}`, '-f', '-'];
    const answers = await pod.run(['dig', ...args], { input: `${lines.join('\n')}\n` });
    assert.deepEqual(answers.split('\n'), numbers.map(serviceAddress));
    t.diagnostic(`${numbers.length} services`);
  });

  test('conntrack holds no entry for intercepted queries', async (t) => {
    await node.run(['conntrack', '--flush']);
    for (const place of [pod, node]) {
      for (const address of [...Object.values(LINK_LOCAL), ...Object.values(KUBE_DNS)]) {
        for (const transport of ['+notcp', '+tcp']) {
          assert.equal(
            await place.run(['dig', `@${address}`, transport, '+short', `web.default.${SVC}`]),
            '10.96.1.1',
          );
        }
      }
    }
    const list = (family: string) => node.run(['conntrack', '--dump', '--family', family]);
    const entries = `${await list('ipv4')}\n${await list('ipv6')}`.split('\n').filter(Boolean);
    const ours = [...Object.values(LINK_LOCAL), ...Object.values(KUBE_DNS)];
    const tracked = entries.filter((line) =>
      ours.some((address) => line.includes(`dst=${address} `)),
    );
    t.diagnostic(
      `${entries.length} entries on the node, ${tracked.length} for intercepted queries`,
    );
    assert.deepEqual(tracked, []);
  });
}

/** Of the node under test, over UDP: what Zerohop does not take. */
async function packetsToReplicas(lab: Lab): Promise<number> {
  return (await lab.sentPackets()).get('n2')!.udp;
}
