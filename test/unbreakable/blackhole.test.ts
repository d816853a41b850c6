/**
 * Paths that swallow packets: no reset, no ICMP, nothing, as when a pod or a node is gone, or conntrack has forgotten a connection.
 * Made with a DROP rule in a network namespace of the test's own. Promised: where another path works, be it another
 * upstream or a new connection to the same one, nobody waits a second and nobody is failed; where none does, SERVFAIL
 * comes within 4 s, and answers come within a second after the path is back.
 *
 * It needs root, util-linux, iproute2 and iptables.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { runLoad } from '../support/load.ts';
import { isInNamespace, runInNamespace } from '../support/namespace.ts';
import { until } from '../support/until.ts';
import { UpstreamProcess } from '../support/upstream-process.ts';

const RATE = 1000;
const SECONDS = 5;
const WELL_MS = 1500;
const PATIENCE_MS = 1000;
/** By 4 s, and a reply takes its time to a loaded machine. */
const DEADLINE_MS = 4500;
const RECOVERY_MS = 1000;
/** Of /proc/net/tcp. */
const ESTABLISHED = '01';

if (isInNamespace()) {
  test('one of two upstreams is swallowed, over TCP', (t) => playOneOfTwo(t, 'tcp'));
  test('one of two upstreams is swallowed, over UDP', (t) => playOneOfTwo(t, 'udp'));
  test('the connections to the only upstream are swallowed, new ones work', playOldConnections);
  test('the only upstream is swallowed and comes back', playAlone);
} else {
  test('paths that swallow packets, in a namespace', async (t) => {
    if (process.getuid?.() !== 0) t.skip('a namespace and its rules need root');
    else await runInNamespace(t, import.meta.filename);
  });
}

async function playOneOfTwo(t: TestContext, transport: 'tcp' | 'udp'): Promise<void> {
  const ill = await UpstreamProcess.start(t);
  const well = await UpstreamProcess.start(t);
  const daemon = await start(t, [ill, well], transport);
  const load = askSteadily(t, daemon);
  await hasGoneWell(daemon);
  swallow(['-p', transport, '--dport', String(ill.port)]);
  const { rcodes, lost, latencyUs } = await load;
  tell(t, rcodes, lost, latencyUs.max);
  assert.deepEqual([Object.keys(rcodes), lost], [['NOERROR'], 0]);
  assert(latencyUs.max < PATIENCE_MS * 1000, `${latencyUs.max} us`);
}

async function playOldConnections(t: TestContext): Promise<void> {
  const upstream = await UpstreamProcess.start(t);
  const daemon = await start(t, [upstream], 'tcp');
  const load = askSteadily(t, daemon);
  await hasGoneWell(daemon);
  const ports = localPortsTo(upstream.port);
  assert(ports.length > 0);
  for (const port of ports) {
    swallow(['-p', 'tcp', '--dport', String(upstream.port), '--sport', String(port)]);
  }
  const { rcodes, lost, latencyUs } = await load;
  tell(t, rcodes, lost, latencyUs.max);
  assert.deepEqual([Object.keys(rcodes), lost], [['NOERROR'], 0]);
  assert(latencyUs.max < PATIENCE_MS * 1000, `${latencyUs.max} us`);
  await pause(PATIENCE_MS);
  const left = localPortsTo(upstream.port).filter((port) => ports.includes(port));
  assert.deepEqual(left, [], 'they were given up');
}

async function playAlone(t: TestContext): Promise<void> {
  const upstream = await UpstreamProcess.start(t);
  const daemon = await start(t, [upstream], 'tcp');
  const load = askSteadily(t, daemon);
  await hasGoneWell(daemon);
  const heal = swallow(['-p', 'tcp', '--dport', String(upstream.port)]);
  const askedAtMs = performance.now();
  const failed = await udpAsk(daemon.address, { name: 'ill.example.org' }, { timeoutMs: 8000 });
  const failedMs = performance.now() - askedAtMs;
  assert.equal(failed.rcode, 'SERVFAIL');
  const { lost } = await load;
  heal();
  const healedAtMs = performance.now();
  for (let index = 0; ; index++) {
    const reply = await udpAsk(daemon.address, { name: `again${index}.example.org` });
    if (reply.rcode === 'NOERROR') break;
    await pause(20);
  }
  const recoveryMs = performance.now() - healedAtMs;
  t.diagnostic(
    `SERVFAIL after ${failedMs.toFixed()} ms; recovered after ${recoveryMs.toFixed()} ms; ${lost} lost`,
  );
  assert.equal(lost, 0);
  assert(failedMs < DEADLINE_MS, `${failedMs} ms`);
  assert(recoveryMs < RECOVERY_MS, `${recoveryMs} ms`);
  const again = await udpAsk(daemon.address, { name: 'ill.example.org' });
  assert.equal(again.rcode, 'NOERROR', 'a failure of ours is not remembered');
}

function start(
  t: TestContext,
  upstreams: readonly UpstreamProcess[],
  transport: 'tcp' | 'udp',
): Promise<Daemon> {
  return startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  cache 30
  forward . ${upstreams.map(({ to }) => to).join(' ')} {
    ${transport === 'tcp' ? 'force_tcp' : ''}
  }
}
`,
  });
}

/** Each name once. */
function askSteadily(t: TestContext, daemon: Daemon) {
  return runLoad(t, daemon.ports.dns, {
    rate: RATE,
    seconds: SECONDS,
    names: RATE * SECONDS,
    order: 'once',
    timeout: 5,
  });
}

/** The load has begun, which takes its process a while, and goes on so long. */
async function hasGoneWell(daemon: Daemon): Promise<void> {
  await until('the load has begun', async () => {
    return (await daemon.scrape()).sum('zerohop_upstream_queries_written_total') > RATE / 10;
  });
  await pause(WELL_MS);
}

/** Drops what matches before it is received; the rule goes when what is returned is called. */
function swallow(match: readonly string[]): () => void {
  const rule = [...match, '-j', 'DROP'];
  execFileSync('iptables', ['-w', '5', '-A', 'INPUT', ...rule]);
  return () => execFileSync('iptables', ['-w', '5', '-D', 'INPUT', ...rule]);
}

/** Our ends of the connections to this port of 127.0.0.1. */
function localPortsTo(remotePort: number): number[] {
  const portOf = (end: string) => Number.parseInt(end.split(':')[1]!, 16);
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  const ends = rows.map((row) => row.trim().split(/\s+/));
  return ends
    .filter(([, , remote, state]) => portOf(remote!) === remotePort && state === ESTABLISHED)
    .map(([, local]) => portOf(local!));
}

function tell(t: TestContext, rcodes: unknown, lost: number, maxUs: number): void {
  t.diagnostic(`${JSON.stringify(rcodes)}, ${lost} lost, worst ${(maxUs / 1000).toFixed()} ms`);
}
