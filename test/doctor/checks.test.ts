/** Each check of the doctor on nodes made of facts: well, and with each thing that it is there to find. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runChecks } from '../../src/doctor/check.ts';
import { CHECKS } from '../../src/doctor/checks.ts';
import { COMPARISON_CHECK } from '../../src/doctor/comparison-check.ts';
import { CONNTRACK_CHECK } from '../../src/doctor/conntrack-check.ts';
import { COREFILE_CHECK } from '../../src/doctor/corefile-check.ts';
import { DAEMON_CHECK } from '../../src/doctor/daemon-check.ts';
import { DRIVER_CHECK } from '../../src/doctor/driver-check.ts';
import { LEASE_CHECK, RULES_CHECK } from '../../src/doctor/interception-check.ts';
import { INTERFACE_CHECK } from '../../src/doctor/interface-check.ts';
import { POD_CHECK, readResolvConf } from '../../src/doctor/pod-check.ts';
import { ENDPOINT_CHECK, PORT_CHECK } from '../../src/doctor/port-check.ts';
import { QUERY_CHECK } from '../../src/doctor/query-check.ts';
import { RECEIVE_QUEUE_CHECK } from '../../src/doctor/receive-queue-check.ts';
import { TIMEOUT_CHECK } from '../../src/doctor/timeout-check.ts';
import { UPSTREAM_CHECK } from '../../src/doctor/upstream-check.ts';
import type { InterceptionFacts } from '../../src/host/interception.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import {
  answer,
  daemonProcess,
  examine,
  type FakeOptions,
  fakeNode,
  LOCAL_HEX,
  NO_RULES,
  running,
  SILENCE,
  STATUS,
  socketRow,
  socketTable,
} from './fake-node.ts';

const STOCK = ['-localip', '169.254.20.10', '-conf', '/no/such/Corefile'];
const LISTENS = {
  'net/udp': socketTable(socketRow(LOCAL_HEX, 53, 100)),
  'net/tcp': socketTable(socketRow(LOCAL_HEX, 53, 101, { state: '0A' })),
};

/** The path of a Corefile with this text. */
function corefile(t: TestContext, text: string): string {
  const path = join(temporaryDirectory(t), 'Corefile');
  writeFileSync(path, text);
  return path;
}

const CLUSTER = `cluster.local {
  bind 169.254.20.10
  forward . 10.96.0.11 {
    force_tcp
  }
}
. {
  bind 169.254.20.10
  forward . 192.0.2.53
  health 169.254.20.10:8080
}
`;

describe('daemon', () => {
  const cases: readonly [string, FakeOptions, RegExp][] = [
    ['down', {}, /^failed: no process of Zerohop is to be seen, and the control socket does not/],
    [
      'there, and its socket is not',
      { files: daemonProcess(7, STOCK, []) },
      /^warning: the control socket does not answer: there is no such file$/,
    ],
    [
      'well',
      { daemon: running() },
      /^ok: Zerohop 1\.2\.3 runs as process 7, up 2h0m0s, 1 responder$/,
    ],
    [
      'just started',
      { daemon: running({ uptimeS: 3 }) },
      /^warning: .*started less than a minute ago/,
    ],
    [
      'responders die',
      { daemon: running({ udp: { ...STATUS.udp, responderRestarts: 3 } }) },
      /^warning: responders died 3 times/m,
    ],
    [
      'not ready',
      { daemon: running({ notReady: ['draining'] }) },
      /^warning: it is not ready: draining$/m,
    ],
    [
      'no koffi',
      { daemon: running({ udp: { ...STATUS.udp, backend: 'dgram' } }) },
      /^warning: UDP is served through node:dgram/m,
    ],
    [
      'two of us',
      {
        daemon: running(),
        files: { ...daemonProcess(7, STOCK, []), ...daemonProcess(8, STOCK, []) },
      },
      /^warning: 2 processes of Zerohop run side by side: 7, 8$/m,
    ],
    [
      'node-cache beside us',
      { daemon: running(), files: { '9/cmdline': '/node-cache\0-localip=169.254.20.10\0' } },
      /^warning: node-cache runs here too \(process 9\)/m,
    ],
  ];
  for (const [name, fake, expected] of cases) {
    test(name, async (t) => assert.match(await examine(DAEMON_CHECK, fakeNode(t, fake)), expected));
  }

  test('another Corefile on disk than the one that runs', async (t) => {
    const options = { corefilePath: corefile(t, CLUSTER) };
    const node = fakeNode(t, { daemon: running(), options });
    assert.match(
      await examine(DAEMON_CHECK, node),
      /^warning: the Corefile on disk is another one/m,
    );
    const { configuration } = node.target;
    assert(configuration.ok);
    const { hash } = configuration.configuration;
    const same = { ...STATUS.configuration, hash };
    const well = fakeNode(t, { daemon: running({ configuration: same }), options });
    assert.doesNotMatch(await examine(DAEMON_CHECK, well), /warning/);
  });
});

test('corefile', async (t) => {
  const examined = (path: string) =>
    examine(COREFILE_CHECK, fakeNode(t, { options: { corefilePath: path } }));
  assert.match(await examined(corefile(t, CLUSTER)), /^ok: .*Corefile is right: 2 server blocks$/);
  assert.match(
    await examined(corefile(t, '. {\ncahce\n}\n')),
    /^failed: .*Corefile:2:1: Unknown directive/,
  );
  assert.match(
    await examined(corefile(t, '. {\nreload\nreload\n}\n')),
    /^warning: .*:3:1: reload: ignored/,
  );
  assert.match(
    await examined(corefile(t, '. {\nhealth 169.254.20.10:8099\n}\n')),
    /^warning: health at 169\.254\.20\.10:8099, but .* start with -health-port 8099$/,
  );
  assert.match(await examined('/no/such/Corefile'), /^skipped: .*ENOENT/);
  const refused = ['/etc/kube-dns/stubDomains: "$$": expected a domain name'];
  const daemon = running({ configuration: { ...STATUS.configuration, refused } });
  assert.match(
    await examine(COREFILE_CHECK, fakeNode(t, { daemon })),
    /^warning: refused: .*stubDomains/m,
  );
});

describe('interface', () => {
  const address = { index: 5, address: '169.254.20.10', prefixLength: 32 };
  const cases: readonly [string, FakeOptions, RegExp][] = [
    [
      'well',
      { links: () => ({ link: { index: 5, isUp: true }, addresses: [address] }) },
      /^ok: interface nodelocaldns is up\nok: 169\.254\.20\.10 is on nodelocaldns$/,
    ],
    [
      'down',
      { links: () => ({ link: { index: 5, isUp: false }, addresses: [address] }) },
      /^warning: interface nodelocaldns is down/,
    ],
    [
      'address missing',
      { links: () => ({ link: { index: 5, isUp: true }, addresses: [] }) },
      /\nfailed: no interface has the address 169\.254\.20\.10/,
    ],
    [
      'on another link',
      { links: () => ({ link: undefined, addresses: [{ ...address, index: 1 }] }) },
      /^warning: there is no interface nodelocaldns\nok: 169\.254\.20\.10 is on interface number 1$/,
    ],
    [
      'not wanted',
      {
        files: daemonProcess(7, [...STOCK, '-setupinterface=false'], []),
        links: () => ({ link: undefined, addresses: [address] }),
      },
      /^skipped: no interface of our own is wanted.*\nok: /,
    ],
    ['no netlink', {}, /^skipped: netlink cannot be had: no netlink$/],
  ];
  for (const [name, fake, expected] of cases) {
    test(name, async (t) => {
      assert.match(await examine(INTERFACE_CHECK, fakeNode(t, fake)), expected);
    });
  }
});

describe('port', () => {
  const cases: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    [
      'well',
      { ...LISTENS, ...daemonProcess(7, STOCK, [100, 101]) },
      /^ok: 169\.254\.20\.10:53\/udp: node \(process 7\)\nok: .*tcp/,
    ],
    ['nobody', {}, /^failed: nobody listens on 169\.254\.20\.10:53\/udp\nfailed: nobody .*tcp$/],
    [
      'somebody else, on every address',
      {
        'net/udp': socketTable(socketRow('00000000', 53, 300)),
        '9/comm': 'dnsmasq\n',
        '9/fd/4': '->socket:[300]',
      },
      /^failed: 169\.254\.20\.10:53\/udp is taken by dnsmasq \(process 9\)$/m,
    ],
    [
      'both',
      {
        ...daemonProcess(7, STOCK, [100]),
        'net/udp': socketTable(socketRow(LOCAL_HEX, 53, 100), socketRow('00000000', 53, 300)),
        '9/comm': 'x\u001b[31m\n',
        '9/fd/4': '->socket:[300]',
      },
      /^warning: 169\.254\.20\.10:53\/udp is shared with node \(process 7\), x/m,
    ],
    [
      'a holder that is not to be seen',
      LISTENS,
      /^ok: .*: a process that is not to be seen from here \(user 0\)/,
    ],
    [
      'other ports, addresses and states do not count',
      {
        'net/udp': socketTable(
          socketRow(LOCAL_HEX, 5353, 1),
          socketRow('0100007F', 53, 2),
          socketRow(LOCAL_HEX, 53, 3, { state: '01' }),
          'nonsense',
        ),
      },
      /^failed: nobody listens on 169\.254\.20\.10:53\/udp/,
    ],
  ];
  for (const [name, files, expected] of cases) {
    test(name, async (t) =>
      assert.match(await examine(PORT_CHECK, fakeNode(t, { files })), expected),
    );
  }

  test('IPv6, and an IPv4 socket of every family', async (t) => {
    const files = {
      'net/udp6': socketTable(socketRow('000000FD00000000000000000A000000', 53, 1)),
      'net/tcp6': socketTable(
        socketRow('00000000000000000000000000000000', 53, 2, { state: '0A' }),
      ),
    };
    const options = { localIps: ['fd00::a'] };
    const text = await examine(PORT_CHECK, fakeNode(t, { files, options }));
    assert.match(text, /^ok: \[fd00::a\]:53\/udp: .*\nok: \[fd00::a\]:53\/tcp/);
  });
});

describe('endpoints', () => {
  const health = (inode: number) => ({
    'net/tcp': socketTable(socketRow(LOCAL_HEX, 8080, inode, { state: '0A' })),
  });
  const cases: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    [
      'well',
      { ...health(5), ...daemonProcess(7, STOCK, [5]) },
      /^ok: health \(169\.254\.20\.10:8080\): node/,
    ],
    ['nobody', {}, /^warning: nobody listens for health/],
    [
      'taken',
      { ...health(5), '9/comm': 'kubelet\n', '9/fd/1': '->socket:[5]' },
      /^failed: the port of health \(169\.254\.20\.10:8080\) is taken by kubelet \(process 9\)$/,
    ],
  ];
  for (const [name, files, expected] of cases) {
    test(name, async (t) => {
      const node = fakeNode(t, { files, options: { corefilePath: corefile(t, CLUSTER) } });
      assert.match(await examine(ENDPOINT_CHECK, node), expected);
    });
  }
  test('none is named', async (t) => {
    assert.match(await examine(ENDPOINT_CHECK, fakeNode(t)), /^skipped: /);
  });
});

describe('rules and lease', () => {
  const facts = (address: Partial<InterceptionFacts['addresses'][0]>, more = {}) => ({
    interception: async (): Promise<InterceptionFacts> => ({
      ...NO_RULES,
      kind: 'nft',
      hasLease: true,
      addresses: [
        {
          address: '169.254.20.10',
          rulesExpected: 12,
          rulesPresent: 12,
          leaseAgeMs: 300,
          ...address,
        },
      ],
      ...more,
    }),
  });
  const cases: readonly [typeof RULES_CHECK, string, FakeOptions, RegExp][] = [
    [RULES_CHECK, 'well', facts({}), /^ok: 169\.254\.20\.10: 12 of 12 rules \(nft\)$/],
    [
      RULES_CHECK,
      'missing',
      facts({ rulesPresent: 3 }),
      /^failed: 169\.254\.20\.10: 3 of 12 rules/,
    ],
    [RULES_CHECK, 'losses', facts({}, { losses: ['no NAT'] }), /^warning: no NAT$/m],
    [
      RULES_CHECK,
      'no right to look',
      facts({}, { failures: [{ code: 'permission', capability: 'NET_ADMIN', command: 'nft' }] }),
      /^warning: nft: permission denied: .*NET_ADMIN$/m,
    ],
    [RULES_CHECK, 'none', {}, /^skipped: no rules: backend none$/],
    [
      RULES_CHECK,
      'not wanted',
      { files: daemonProcess(7, [...STOCK, '-setupiptables=false'], []) },
      /^skipped: no rules are wanted/,
    ],
    [LEASE_CHECK, 'well', facts({}), /^ok: 169\.254\.20\.10: renewed 0\.3 s ago, of 3 s$/],
    [LEASE_CHECK, 'late', facts({ leaseAgeMs: 2500 }), /^warning: .*renewed 2\.5 s ago/],
    [LEASE_CHECK, 'out', facts({ leaseAgeMs: undefined }), /^failed: .*the lease is out/],
    [
      LEASE_CHECK,
      'no part for it',
      facts({}, { hasLease: false }),
      /^warning: this kernel has no part/,
    ],
  ];
  for (const [check, name, fake, expected] of cases) {
    test(`${check.name}: ${name}`, async (t) => {
      assert.match(await examine(check, fakeNode(t, fake)), expected);
    });
  }
});

describe('query', () => {
  const both = (given: ReturnType<typeof answer>) => ({
    '169.254.20.10:53/udp': given,
    '169.254.20.10:53/tcp': given,
  });
  const cases: readonly [string, FakeOptions, RegExp][] = [
    [
      'well',
      { answers: both(answer('NOERROR')), daemon: running(), files: LISTENS },
      /^ok: 169\.254\.20\.10:53\/udp: kubernetes\.default\.svc\.cluster\.local is NOERROR in 1\.0 ms\nok: .*tcp/,
    ],
    [
      'no cluster zone',
      { answers: both(answer('NOERROR')), files: LISTENS },
      /^ok: 169\.254\.20\.10:53\/udp: \. is NOERROR/,
    ],
    [
      'slow',
      { answers: both(answer('NXDOMAIN', [], 700)), files: LISTENS },
      /^warning: .*NXDOMAIN in 700\.0 ms/,
    ],
    ['SERVFAIL', { answers: both(answer('SERVFAIL')) }, /^failed: .*SERVFAIL/],
    ['REFUSED', { answers: both(answer('REFUSED')) }, /^failed: .*REFUSED/],
    ['silence', {}, /^failed: .*udp: no answer within 2 s\nfailed: .*tcp: no answer/],
    [
      'answered by somebody else',
      { answers: both(answer('NOERROR')) },
      /^warning: .*, and nobody listens here\nwarning: /,
    ],
    [
      'over UDP only',
      { answers: { ...both(answer('NOERROR')), '169.254.20.10:53/tcp': SILENCE }, files: LISTENS },
      /^ok: .*\nfailed: .*tcp/,
    ],
  ];
  for (const [name, fake, expected] of cases) {
    test(name, async (t) => assert.match(await examine(QUERY_CHECK, fakeNode(t, fake)), expected));
  }
});

describe('upstream', () => {
  const server = (tcp: ReturnType<typeof answer>, udp: ReturnType<typeof answer>) => ({
    '10.96.0.11:53/tcp': tcp,
    '10.96.0.11:53/udp': udp,
    '192.0.2.53:53/tcp': tcp,
    '192.0.2.53:53/udp': udp,
  });
  const good = answer('NOERROR');
  const cases: readonly [string, ReturnType<typeof server>, RegExp][] = [
    [
      'well',
      server(good, good),
      /^ok: 10\.96\.0\.11:53 \(for the cluster\): TCP NOERROR in 1\.0 ms, UDP NOERROR in 1\.0 ms\nok: 192\.0\.2\.53:53: TCP/,
    ],
    [
      'silent',
      server(SILENCE, SILENCE),
      /^failed: 10\.96\.0\.11:53 .*: TCP no answer within 2 s, UDP no answer within 2 s\nfailed: /,
    ],
    ['no TCP', server(SILENCE, good), /^failed: 10\.96\.0\.11.*\nwarning: 192\.0\.2\.53/],
    ['no UDP', server(good, SILENCE), /^warning: 10\.96\.0\.11.*\nfailed: 192\.0\.2\.53/],
    ['fails itself', server(answer('SERVFAIL'), good), /^warning: .*SERVFAIL/],
    ['slow', server(good, answer('NOERROR', [], 900)), /^warning: .*900\.0 ms/],
  ];
  for (const [name, answers, expected] of cases) {
    test(name, async (t) => {
      const node = fakeNode(t, { answers, options: { corefilePath: corefile(t, CLUSTER) } });
      assert.match(await examine(UPSTREAM_CHECK, node), expected);
    });
  }

  test('without a Corefile those of the running daemon, and without either none', async (t) => {
    const node = fakeNode(t, { daemon: running(), answers: server(good, good) });
    assert.match(await examine(UPSTREAM_CHECK, node), /^ok: 10\.96\.0\.11:53 \(for the cluster\)/);
    assert.match(await examine(UPSTREAM_CHECK, fakeNode(t)), /^skipped: no upstream is known/);
  });
});

describe('comparison', () => {
  const cases: readonly [string, Readonly<Record<string, ReturnType<typeof answer>>>, RegExp][] = [
    [
      'alike',
      { ours: answer('NOERROR', ['10.96.0.1']), theirs: answer('NOERROR', ['10.96.0.1']) },
      /^ok: kubernetes\.default\.svc\.cluster\.local is NOERROR 10\.96\.0\.1, as/,
    ],
    [
      'different',
      { ours: answer('NXDOMAIN'), theirs: answer('NOERROR', ['10.96.0.1']) },
      /^warning: .*here NXDOMAIN, at kube-dns NOERROR 10\.96\.0\.1$/,
    ],
    [
      'alike, and wrong',
      { ours: answer('NXDOMAIN'), theirs: answer('NXDOMAIN') },
      /^warning: .*every cluster has this name$/,
    ],
    [
      'one is silent',
      { ours: answer('NOERROR'), theirs: SILENCE },
      /^skipped: .*kube-dns does not answer/,
    ],
  ];
  for (const [name, { ours, theirs }, expected] of cases) {
    test(name, async (t) => {
      const answers = { '169.254.20.10:53/tcp': ours!, '10.96.0.11:53/tcp': theirs! };
      const node = fakeNode(t, { answers, options: { corefilePath: corefile(t, CLUSTER) } });
      assert.match(await examine(COMPARISON_CHECK, node), expected);
    });
  }
  test('no cluster is known', async (t) => {
    assert.match(
      await examine(COMPARISON_CHECK, fakeNode(t)),
      /^skipped: no server block for the cluster/,
    );
  });
});

describe('pod', () => {
  const cases: readonly [string, string, RegExp][] = [
    [
      'well',
      'nameserver 169.254.20.10\nsearch a b c\noptions ndots:5\n',
      /^ok: it asks 169\.254\.20\.10$/,
    ],
    [
      'elsewhere',
      'nameserver 10.96.0.10\n',
      /^failed: it asks 10\.96\.0\.10, and we serve 169\.254\.20\.10$/,
    ],
    [
      'second',
      'nameserver 10.96.0.10\nnameserver 169.254.20.10\n',
      /^warning: .*ours is not the first$/,
    ],
    ['nobody', '# nothing\n', /^failed: it names no server$/],
    ['ndots', 'nameserver 169.254.20.10\noptions ndots:9\n', /^warning: ndots:9/m],
    [
      'search',
      `nameserver 169.254.20.10\nsearch ${'a '.repeat(7)}\n`,
      /^warning: 7 search domains: a short name is up to 16 questions$/m,
    ],
    ['use-vc', 'nameserver 169.254.20.10\noptions use-vc\n', /^warning: use-vc/m],
  ];
  for (const [name, resolvConf, expected] of cases) {
    test(name, async (t) => {
      const pod = { name: 'pod', resolvConf, ask: undefined };
      assert.match(await examine(POD_CHECK, fakeNode(t, { pod })), expected);
    });
  }

  test('asked from inside', async (t) => {
    const view = (given: ReturnType<typeof answer>) => ({
      pod: { name: 'the pod', resolvConf: 'nameserver 169.254.20.10\n', ask: async () => given },
    });
    const well = await examine(POD_CHECK, fakeNode(t, view(answer('NOERROR'))));
    assert.match(well, /^ok: from the pod: 169\.254\.20\.10\/udp NOERROR in 1\.0 ms$/m);
    assert.match(
      await examine(POD_CHECK, fakeNode(t, view(SILENCE))),
      /^failed: from the pod: .*tcp: no answer/m,
    );
    const denied = view({ ok: false, reason: 'cannot enter /x: setns: EPERM' });
    assert.match(await examine(POD_CHECK, fakeNode(t, denied)), /^skipped: from the pod: /m);
    assert.match(await examine(POD_CHECK, fakeNode(t)), /^skipped: no pod was named$/);
  });

  test('the last search counts, as in glibc', () => {
    const conf = readResolvConf(
      'search a b\n; x\ndomain c\noptions ndots:2 edns0\nnameserver ::1\n',
    );
    assert.deepEqual(conf.search, ['c']);
    assert.deepEqual(
      [...conf.options],
      [
        ['ndots', '2'],
        ['edns0', ''],
      ],
    );
    assert.deepEqual(conf.nameservers, ['::1']);
  });
});

describe('conntrack', () => {
  const use = (count: number) => ({
    'sys/net/netfilter/nf_conntrack_count': `${count}\n`,
    'sys/net/netfilter/nf_conntrack_max': '1000\n',
  });
  const stat =
    'entries found insert_failed drop early_drop\n000a 0 00000010 0 0\n000a 0 00000001 2 1\n';
  const cases: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    ['well', use(100), /^ok: 100 of 1000 tracked connections \(10 %\)$/],
    ['crowded', use(850), /^warning: /],
    ['full', use(1000), /^failed: .*new ones are dropped$/],
    [
      'losses',
      { ...use(1), 'net/stat/nf_conntrack': stat },
      /^warning: 3 packets or unanswered connections dropped .*\nwarning: 17 packets lost/m,
    ],
    ['not there', {}, /^skipped: /],
    ['nonsense', { ...use(1), 'sys/net/netfilter/nf_conntrack_max': 'many' }, /^skipped: /],
  ];
  for (const [name, files, expected] of cases) {
    test(name, async (t) =>
      assert.match(await examine(CONNTRACK_CHECK, fakeNode(t, { files })), expected),
    );
  }
});

describe('receive-queue', () => {
  const table = (drops: number) => ({
    'net/udp': socketTable(socketRow(LOCAL_HEX, 53, 1, { drops })),
  });
  const counted = { ...STATUS.drops, receiveQueue: 9 };
  const cases: readonly [string, FakeOptions, RegExp][] = [
    ['well', { files: table(0) }, /^ok: no datagram dropped, 16 octets wait$/],
    [
      'once',
      { files: table(5) },
      /^warning: 169\.254\.20\.10:53\/udp: 5 datagrams dropped since it was opened$/,
    ],
    [
      'counted by the daemon',
      { files: table(0), daemon: running({ drops: counted }) },
      /^warning: the daemon has counted 9/,
    ],
    ['nobody listens', {}, /^skipped: /],
  ];
  for (const [name, fake, expected] of cases) {
    test(name, async (t) => {
      assert.match(await examine(RECEIVE_QUEUE_CHECK, fakeNode(t, fake)), expected);
    });
  }

  test('it goes on', async (t) => {
    const node = fakeNode(t, { files: table(5) });
    const path = join(node.proc.root, 'net/udp');
    const pause = async () => writeFileSync(path, table(8)['net/udp']);
    const text = await examine(RECEIVE_QUEUE_CHECK, { ...node, pause });
    assert.match(
      text,
      /^failed: .*: 8 datagrams dropped since it was opened, 3 in the last second$/,
    );
  });
});

describe('driver', () => {
  const files = {
    // An interface that was attached after the pods have got theirs stands behind them.
    'net/dev': `Inter-|\n face |\n    lo: 1 2\n${'veth12: 1 1\n'.repeat(40)}  eth0: 3 4\neni0123456789a: 1 1\n`,
  };
  const statistics = (values: Readonly<Record<string, bigint>>) => (name: string) =>
    name === 'eth0' ? new Map(Object.entries(values)) : new Error(name);
  const cases: readonly [string, FakeOptions, RegExp][] = [
    [
      'well',
      { driverStatistics: statistics({ pps_allowance_exceeded: 0n }) },
      /^ok: eth0: nothing went over an allowance$/,
    ],
    [
      'over',
      { driverStatistics: statistics({ linklocal_allowance_exceeded: 12n, rx: 5n }) },
      /^warning: eth0: linklocal_allowance_exceeded 12 since the boot$/,
    ],
    [
      'another driver',
      { driverStatistics: statistics({ rx_packets: 1n }) },
      /^skipped: eth0: no allowance counters/,
    ],
    ['none', {}, /^skipped: eth0: /],
  ];
  for (const [name, fake, expected] of cases) {
    test(name, async (t) => {
      assert.match(await examine(DRIVER_CHECK, fakeNode(t, { files, ...fake })), expected);
    });
  }

  test('it goes on', async (t) => {
    let value = 10n;
    const driverStatistics = () => new Map([['conntrack_allowance_exceeded', value]]);
    const pause = async () => {
      value = 14n;
    };
    const text = await examine(DRIVER_CHECK, fakeNode(t, { files, driverStatistics, pause }));
    assert.match(
      text,
      /^failed: eth0: conntrack_allowance_exceeded 14 since the boot, 4 in the last second/,
    );
  });
});

describe('kernel', () => {
  const base = {
    'sys/net/netfilter/nf_conntrack_udp_timeout': '30\n',
    'sys/net/netfilter/nf_conntrack_tcp_timeout_established': '432000\n',
    'sys/net/core/rmem_max': '212992\n',
    'sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  };
  const cases: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    ['well', base, /^ok: nf_conntrack_udp_timeout 30 s, .*rmem_max 212992 octets$/],
    [
      'udp',
      { ...base, 'sys/net/netfilter/nf_conntrack_udp_timeout': '5\n' },
      /^warning: nf_conntrack_udp_timeout is 5 s: /,
    ],
    [
      'tcp',
      { ...base, 'sys/net/netfilter/nf_conntrack_tcp_timeout_established': '60\n' },
      /^warning: nf_conntrack_tcp/,
    ],
    [
      'ports',
      { ...base, 'sys/net/ipv4/ip_local_port_range': '60000\t60999\n' },
      /^warning: only 999 source ports/,
    ],
    ['not there', {}, /^skipped: /],
  ];
  for (const [name, files, expected] of cases) {
    test(name, async (t) =>
      assert.match(await examine(TIMEOUT_CHECK, fakeNode(t, { files })), expected),
    );
  }
});

describe('all of them', () => {
  test('names are distinct, and what fails or warns says what to do', async (t) => {
    assert.equal(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length);
    const said: string[] = [];
    const findings = await runChecks(CHECKS, fakeNode(t), ({ check }) => said.push(check));
    assert.deepEqual(
      [...new Set(said)],
      CHECKS.map(({ name }) => name),
    );
    for (const { verdict, check, advice } of findings) {
      assert.equal(
        typeof advice === 'string',
        verdict === 'failed' || verdict === 'warning' || advice !== undefined,
        check,
      );
      if (verdict === 'failed' || verdict === 'warning') assert.ok(advice, check);
    }
  });

  test('one that hangs or breaks is a finding, and the others are not held up', async (t) => {
    const hanging = {
      name: 'hangs',
      timeoutMs: 10,
      run: (_: unknown, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    };
    const breaking = {
      name: 'breaks',
      timeoutMs: 1000,
      run: () => Promise.reject(new Error('no')),
    };
    const findings = await runChecks([hanging, breaking], fakeNode(t), () => {});
    assert.deepEqual(
      findings.map(({ check, verdict, text }) => `${check} ${verdict} ${text}`),
      ['hangs failed no result within 0.01 s', 'breaks skipped the check itself failed: no'],
    );
  });
});
