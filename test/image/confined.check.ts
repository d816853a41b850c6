/**
 * The image's root run as a pod has it: by our manifest, and by Kubernetes' own with nothing changed but the image. Queries go through
 * the rules of a node's network namespace to a stand-in for kube-dns. `npm run image:check` gives the root; it needs root, capsh, nft.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { RCODE } from '../../src/cli/stand-in/query.ts';
import { emptyReply, type Reply } from '../../src/cli/stand-in/reply.ts';
import { StandIn } from '../../src/cli/stand-in/stand-in.ts';
import {
  fillIn,
  IPTABLES_VALUES,
  manifestText,
  objectNamed,
  objectsIn,
} from '../deploy/manifest.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { isInNamespace, runInNamespace } from '../support/namespace.ts';
import { until } from '../support/until.ts';
import { Container, type ContainerOptions, maskOf, RUNTIME_CAPABILITIES } from './container.ts';

const SOURCE = join(import.meta.dirname, '../..');
const ROOT = process.env['ZEROHOP_IMAGE_ROOT']!;
const UPSTREAM = '10.96.0.99';
const OWN = { host: '169.254.20.10', port: 53 };
const NAME = { name: 'kubernetes.default.svc.cluster.local' };

const MANIFEST = objectsIn(fillIn(manifestText(), IPTABLES_VALUES));
const POD = objectNamed(MANIFEST, 'DaemonSet', 'node-local-dns').spec.template.spec;
const [CONTAINER] = POD.containers;
const { Corefile } = objectNamed(MANIFEST, 'ConfigMap', 'node-local-dns').data!;

const FILES = {
  '/etc/coredns/Corefile.base': Corefile!,
  '/etc/resolv.conf': `nameserver ${UPSTREAM}\n`,
  '/run/xtables.lock': '',
};
const ENVIRONMENT = { KUBE_DNS_UPSTREAM_SERVICE_HOST: UPSTREAM };
/** The arguments of Kubernetes' manifest. */
const STOCK_ARGS = [
  ...['-localip', '169.254.20.10,10.96.0.10', '-conf', '/etc/Corefile'],
  ...['-upstreamsvc', 'kube-dns-upstream', '-pidfile', '/tmp/node-cache.pid'],
];
const CONFINED: Omit<ContainerOptions, 'scratch'> = {
  root: ROOT,
  capabilities: CONTAINER.securityContext.capabilities.add,
  isConfined: true,
  files: FILES,
  environment: ENVIRONMENT,
};

/** Its mounts are this namespace's own, and end with it. */
const SCRATCH = '/mnt';
let containers = 0;

/** What `-fallback-service` finds. */
const ENDPOINTS: Reply = {
  ...emptyReply(RCODE.NOERROR),
  answers: [
    { type: 'A', name: 'kube-dns-endpoints.kube-system.svc.cluster.local', ttl: 5, data: UPSTREAM },
  ],
};

async function start(
  t: TestContext,
  options: Omit<ContainerOptions, 'scratch'>,
  args: readonly string[],
): Promise<Container> {
  const container = new Container({ ...options, scratch: join(SCRATCH, `${++containers}`) });
  t.after(() => container.kill());
  await container.start('/node-cache', args);
  return container;
}

async function assertAnswers(): Promise<void> {
  for (const ask of [udpAsk, tcpAsk]) {
    const reply = await ask(OWN, NAME, { timeoutMs: 20_000 });
    assert.deepEqual(reply.data('A'), ['10.96.0.1']);
  }
}

/** What a busy machine alone brings about. */
const BUSY = /slow query|took more than 1s/;

function complaints({ log }: Container): string[] {
  return log.filter((line) => /^\[(WARNING|ERROR)\]|^Warning/.test(line) && !BUSY.test(line));
}

/** Rules stand once an upstream has answered. */
function untilIntercepted(pattern: RegExp): Promise<void> {
  return until('rules stand', () => {
    return pattern.test(execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }));
  });
}

if (!isInNamespace()) {
  test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
} else {
  let standIn: StandIn;
  before(async () => {
    execFileSync('ip', ['address', 'add', `${UPSTREAM}/32`, 'dev', 'lo']);
    // A node has a way out; nothing listens there.
    execFileSync('ip', ['route', 'add', 'default', 'dev', 'lo']);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', SCRATCH]);
    standIn = await StandIn.start({
      host: UPSTREAM,
      port: 53,
      override: ({ name, type }) =>
        type === 'A' && name.startsWith('kube-dns-endpoints.') ? ENDPOINTS : undefined,
    });
  });
  after(() => standIn.close());

  test('by our manifest: read-only root, two capabilities, no new privileges', async (t) => {
    assert.deepEqual(CONTAINER.securityContext.capabilities.drop, ['ALL']);
    const container = await start(t, CONFINED, [...CONTAINER.args, '-interception=nft']);
    await assertAnswers();
    assert.equal(container.capabilitySet('CapBnd'), maskOf(CONFINED.capabilities));
    assert.equal(container.hasNoNewPrivileges, true);
    await untilIntercepted(/zerohop/);
    const status = JSON.parse(container.exec('zerohop', 'status', '--json'));
    assert.equal(status.udp.backend, 'mmsg');
    const { version } = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'));
    assert.equal(container.exec('zerohop', '--version').trimEnd(), `zerohop ${version}`);
    const { findings } = JSON.parse(await container.output('zerohop', 'doctor', '--json'));
    assert.deepEqual(
      findings.filter(({ verdict }: { verdict: string }) => verdict === 'failed'),
      [],
    );
    assert.deepEqual(complaints(container), []);
    assert.equal(await container.stop(), 0);
  });

  test('by our manifest, with the iptables of the image', async (t) => {
    const container = await start(t, CONFINED, [...CONTAINER.args, '-interception=iptables']);
    await assertAnswers();
    await until('rules stand', () => /NodeLocal DNS Cache/.test(container.exec('iptables-save')));
    assert.deepEqual(complaints(container), []);
    assert.equal(await container.stop(), 0);
  });

  test("by Kubernetes' own manifest", async (t) => {
    const capabilities = [...RUNTIME_CAPABILITIES, 'NET_ADMIN'];
    const stock = { ...CONFINED, capabilities, isConfined: false };
    const container = await start(t, stock, STOCK_ARGS);
    await assertAnswers();
    assert.equal(container.capabilitySet('CapBnd'), maskOf(capabilities));
    assert.match(container.exec('cat', '/etc/Corefile'), new RegExp(`forward \\. ${UPSTREAM}`));
    assert.match(container.exec('cat', '/tmp/node-cache.pid'), /^\d+$/m);
    assert.deepEqual(complaints(container), []);
    assert.equal(await container.stop(), 0);
  });

  test('-conf where nothing can be written: in memory, with one line', async (t) => {
    const container = await start(t, CONFINED, [...STOCK_ARGS.slice(0, -2), '-interception=none']);
    await assertAnswers();
    const [line, ...more] = complaints(container);
    assert.match(line!, /\/etc\/Corefile: the rendered Corefile stays in memory: EROFS/);
    assert.deepEqual(more, []);
    assert.equal(await container.stop(), 0);
  });
}
