/**
 * The daemon on a node: start under load, every end, harm by others, a crash, an upgrade. Needs root and Debian's dnsmasq,
 * iptables, nftables and iproute2.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { boundSockets } from '../../../src/os/bound-sockets.ts';
import { ProcFiles } from '../../../src/os/proc-files.ts';
import { preload } from '../../life/preload.ts';
import type { Daemon } from '../../support/daemon.ts';
import { TcpClient, udpAsk } from '../../support/dns-client.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';
import {
  addressesOfNode,
  answeredByUs,
  CLUSTER_IP,
  DATA,
  DEVICE,
  hasDummyDevices,
  intercepting,
  KUBE_DNS,
  KubeDns,
  NAME,
  OWN,
  OWN_IPV6,
  SteadyClient,
  sh,
  startOnNode,
  stateOfNode,
} from './daemon-node.ts';

const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 15_000;

interface Ending {
  readonly signal: NodeJS.Signals;
  /** What SIGUSR2 runs. */
  readonly statement?: string;
  readonly status: number;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  SIGTERM: { signal: 'SIGTERM', status: 0 },
  SIGINT: { signal: 'SIGINT', status: 0 },
  SIGQUIT: { signal: 'SIGQUIT', status: 0 },
  'an exception that nobody catches': {
    signal: 'SIGUSR2',
    statement: 'throw new Error("provoked")',
    status: 1,
  },
};

type State = ReturnType<typeof stateOfNode>;

if (isInNamespace()) describeAll();
else test('in a namespace', (t) => runInNamespace(t, import.meta.filename));

/** Statements for a responder: once there is a file, it never comes back from the start of a batch. */
function stuckWhere(path: string): string {
  return `
    const { existsSync } = builtin('node:fs');
    const store = Atomics.store;
    Atomics.store = (...args) => {
      if (existsSync('${path}')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return store(...args);
    };`;
}

async function ask(host: string, timeoutMs?: number): Promise<unknown[]> {
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  return (await udpAsk({ host, port: 53 }, { name: NAME }, options)).data('A');
}

/** Over UDP, of any process. */
function socketsAt(address: string): number {
  return boundSockets(new ProcFiles(), ['udp']).filter(({ host }) => host === address).length;
}

/** `/ready` or `/health`, as `STATUS TEXT`. */
async function page({ ports }: Daemon, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${ports.health}${path}`);
  return `${response.status} ${(await response.text()).trim()}`;
}

function describeAll(): void {
  let kubeDns: KubeDns;
  let before: State;
  test.before(async () => {
    kubeDns = await KubeDns.start();
    before = stateOfNode();
  });
  test.after(() => kubeDns.close());

  for (const backend of ['iptables', 'nft']) {
    const args = ['-interception', backend];

    test(`start, service and end lose no query of a host-network client, and leave the node as it was (${backend})`, async (t) => {
      const client = SteadyClient.start(t, CLUSTER_IP);
      const daemon = await startOnNode(t, { args });
      await intercepting(daemon);
      const onLoopback = /no dummy devices: the addresses of nodelocaldns go on lo/;
      assert.equal(onLoopback.test(daemon.log.join('\n')), !hasDummyDevices);
      const answered = await answeredByUs(daemon);
      await until('queries come to us', async () => (await answeredByUs(daemon)) > answered + 200);
      assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
      const asked = client.asked;
      await until('some more queries', async () => client.asked > asked + 200);
      assert.deepEqual(await client.stop(), []);
      assert.deepEqual(stateOfNode(), before);
      t.diagnostic(`${client.asked} queries`);
    });

    test(`killed, kube-dns answers at both addresses; started again, it takes over and leaves nothing (${backend})`, async (t) => {
      const first = await startOnNode(t, { args });
      await intercepting(first);
      await first.waitForLog(
        /without us, queries to our own addresses go to 10\.244\.1\.2/,
        20_000,
      );
      await first.kill();
      const startedAt = performance.now();
      for (const host of [CLUSTER_IP, OWN]) await until(`${host} answers`, () => ask(host, 100));
      t.diagnostic(`answered ${Math.round(performance.now() - startedAt)} ms after SIGKILL`);
      const client = SteadyClient.start(t, OWN);
      const second = await startOnNode(t, { args });
      await intercepting(second);
      assert.deepEqual(await client.stop(), []);
      assert.equal(await second.stop(END_TIMEOUT_MS), 0);
      assert.deepEqual(stateOfNode(), before);
    });
  }

  for (const [name, { signal, statement, status }] of Object.entries(ENDINGS)) {
    test(`${name}: exit ${status}, the node as it was, the ClusterIP answered by kube-dns`, async (t) => {
      const flags = statement
        ? [preload('main', `process.on('SIGUSR2', () => { ${statement} })`)]
        : [];
      const daemon = await startOnNode(t, { nodeFlags: flags });
      await intercepting(daemon);
      const tcp = await TcpClient.connect({ host: CLUSTER_IP, port: 53 });
      t.after(() => tcp.close());
      assert.deepEqual((await tcp.ask({ name: NAME })).data('A'), DATA);
      daemon.signal(signal);
      assert.equal(await tcp.ended(), 'fin');
      assert.equal(await daemon.exited(END_TIMEOUT_MS), status);
      assert.match(daemon.log.join('\n'), /TCP connections of clients: 1 ended, 0 cut off/);
      assert.deepEqual(stateOfNode(), before);
      assert.deepEqual(await ask(CLUSTER_IP), DATA);
    });
  }

  test('an address that somebody else deletes is back at once', async (t) => {
    const daemon = await startOnNode(t);
    await intercepting(daemon);
    for (const address of [OWN, CLUSTER_IP]) {
      sh(`ip address delete ${address}/32 dev ${DEVICE}`);
      const startedAt = performance.now();
      await until('it is back', async () => addressesOfNode().includes(`${address}/32`));
      t.diagnostic(`${address}: back within ${Math.round(performance.now() - startedAt)} ms`);
      assert.deepEqual(await ask(address), DATA);
    }
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
  });

  test('without an answer of an upstream nothing is intercepted, which is said; then it is', async (t) => {
    kubeDns.stop();
    const daemon = await startOnNode(t);
    const reason = /interception waits for an answer of an upstream: cluster\.local\.: SERVFAIL/;
    await daemon.waitForLog(reason, 20_000);
    assert.match(await page(daemon, '/ready'), /^503 no lease of interception/);
    assert.equal(await page(daemon, '/health'), '200 OK');
    assert.ok(!addressesOfNode().includes(CLUSTER_IP));
    await kubeDns.serve();
    await intercepting(daemon);
    assert.equal(await page(daemon, '/ready'), '200 OK');
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });

  test('stopped, it loses the lease and kube-dns answers; going on, it has it again', async (t) => {
    const daemon = await startOnNode(t);
    await intercepting(daemon);
    assert.deepEqual(await ask(CLUSTER_IP), DATA);
    daemon.signal('SIGSTOP');
    const startedAt = performance.now();
    await until('kube-dns answers', () => ask(CLUSTER_IP, 100));
    t.diagnostic(`answered ${Math.round(performance.now() - startedAt)} ms after SIGSTOP`);
    daemon.signal('SIGCONT');
    await until('queries come to us', async () => {
      const answered = await answeredByUs(daemon);
      await ask(CLUSTER_IP);
      return (await answeredByUs(daemon)) > answered;
    });
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });

  test('a responder that is stuck loses the lease, is not healthy, and does not keep the end from its turn', async (t) => {
    const stuck = join(temporaryDirectory(t), 'stuck');
    const daemon = await startOnNode(t, { nodeFlags: [preload('responder', stuckWhere(stuck))] });
    await intercepting(daemon);
    assert.equal(await page(daemon, '/health'), '200 OK');
    writeFileSync(stuck, '');
    // Whoever takes this query stands still in the middle of its batch.
    await assert.rejects(ask(CLUSTER_IP, 100));
    const startedAt = performance.now();
    await until('kube-dns answers', () => ask(CLUSTER_IP, 100));
    t.diagnostic(`answered after ${Math.round(performance.now() - startedAt)} ms`);
    assert.ok(daemon.log.some((line) => line.includes('responder 0 makes no progress')));
    assert.match(await page(daemon, '/ready'), /^503 no lease of interception/);
    await until('it is not healthy', async () => {
      return (await page(daemon, '/health')) === '503 responder 0 has made no progress for 10 s';
    });
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });

  test('an upgrade: the new one serves beside the old one, which leaves addresses and lease alone', async (t) => {
    const old = await startOnNode(t);
    await intercepting(old);
    const next = await startOnNode(t);
    await intercepting(next);
    const asked = await answeredByUs(next);
    assert.equal(await old.stop(END_TIMEOUT_MS), 0);
    assert.match(old.log.join('\n'), /another process serves the same addresses/);
    for (let count = 0; count < 20; count++) {
      for (const host of [OWN, CLUSTER_IP]) assert.deepEqual(await ask(host), DATA);
    }
    assert.ok((await answeredByUs(next)) > asked);
    assert.equal(await next.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });

  test('the old one leaves while the new one starts: addresses and rules stay, and queries wait for the new one', async (t) => {
    const args = ['-fallback-service', ''];
    const old = await startOnNode(t, { args });
    await intercepting(old);
    const served = stateOfNode();
    // Longer than the old one takes to leave.
    const pause = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 8000)';
    const starting = startOnNode(t, { args, nodeFlags: [preload('responder', pause)] });
    await until('the new one has shown itself', () => socketsAt(OWN) === 2);
    assert.equal(await old.stop(END_TIMEOUT_MS), 0);
    assert.match(old.log.join('\n'), /another process serves the same addresses/);
    await until('the new one has seen it', () => socketsAt(OWN) === 1);
    assert.deepEqual(stateOfNode(), served);
    const waiting = ask(OWN, START_TIMEOUT_MS);
    const next = await starting;
    assert.deepEqual(await waiting, DATA);
    await intercepting(next);
    assert.equal(await next.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });

  test('both families side by side', async (t) => {
    const both = `${OWN} ${OWN_IPV6}`;
    const daemon = await startOnNode(t, {
      corefile: `.:53 {\n bind ${both}\n cache 30\n forward . ${KUBE_DNS}\n}`,
      args: ['-localip', both.replace(' ', ',')],
    });
    await daemon.waitForLog(/^\[INFO\] interception: \S+: 169\S+ fd00/, 20_000);
    for (const host of [OWN, OWN_IPV6]) {
      assert.deepEqual(await ask(host), DATA);
      const tcp = await TcpClient.connect({ host, port: 53 });
      t.after(() => tcp.close());
      assert.deepEqual((await tcp.ask({ name: NAME })).data('A'), DATA);
    }
    assert.match(addressesOfNode(), /fd00:90::a\/128/);
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });

  test('-skipteardown: addresses and rules stay, the lease does not', async (t) => {
    const daemon = await startOnNode(t, { args: ['-skipteardown'] });
    await intercepting(daemon);
    await daemon.waitForLog(/without us, queries to our own addresses go to/, 20_000);
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
    assert.match(addressesOfNode(), /169\.254\.20\.10\/32[\s\S]*10\.96\.0\.10\/32/);
    assert.notDeepEqual(stateOfNode(), before);
    for (const host of [CLUSTER_IP, OWN]) assert.deepEqual(await ask(host), DATA);
    await cleanUp(t, before);
  });

  test('-setupiptables=false: all addresses at once, and no rule', async (t) => {
    const daemon = await startOnNode(t, { args: ['-setupiptables=false'] });
    assert.match(addressesOfNode(), /10\.96\.0\.10\/32/);
    assert.equal(stateOfNode().rules, before.rules);
    await until('ready', async () => (await page(daemon, '/ready')) === '200 OK');
    assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
    assert.deepEqual(stateOfNode(), before);
  });
}

/** A daemon that starts and ends takes away what is left of another. */
async function cleanUp(t: TestContext, before: State): Promise<void> {
  const daemon = await startOnNode(t);
  await intercepting(daemon);
  assert.equal(await daemon.stop(END_TIMEOUT_MS), 0);
  assert.deepEqual(stateOfNode(), before);
}
