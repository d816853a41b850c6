/**
 * `zerohop doctor` on a node of its own, a network namespace with real parts: the daemon, Unbound as kube-dns, dnsmasq as the
 * program that has the port already, a pod behind a veth pair. What is broken is found, and named as what it is.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { CheckedFinding } from '../../../src/doctor/check.ts';
import { driverStatistics } from '../../../src/os/ethtool.ts';
import { requireLibc } from '../../../src/os/libc.ts';
import { type Ended, zerohop } from '../../cli/zerohop-command.ts';
import { startDaemon } from '../../support/daemon.ts';
import { tcpAsk } from '../../support/dns-client.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { type CleanUp, temporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';

const LOCAL = '169.254.20.10';
const KUBE_DNS = '10.96.0.11';
const KUBERNETES = '10.96.0.1';

const COREFILE = `cluster.local {
  bind ${LOCAL}
  cache 30
  forward . ${KUBE_DNS} {
    force_tcp
  }
}
. {
  bind ${LOCAL}
  cache 30
  forward . ${KUBE_DNS}
}
`;

/** How long an answer took, in a finding. */
const IN_MS = / in \d+\.\d ms/;

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

interface Report {
  readonly findings: readonly CheckedFinding[];
  readonly failed: number;
  readonly warnings: number;
}

async function doctor(socket: string, ...args: string[]): Promise<Ended & { report: Report }> {
  const ended = await zerohop(['doctor', '--json', '--control-socket', socket, ...args]);
  assert.equal(ended.stderr, '');
  return { ...ended, report: JSON.parse(ended.stdout) };
}

/** A look during which nothing stood still: an answer that takes a tenth of a second is a warning. */
async function doctorAtEase(socket: string, ...args: string[]): ReturnType<typeof doctor> {
  const looks: Awaited<ReturnType<typeof doctor>>[] = [];
  await until('no answer takes long', async () => {
    looks.push(await doctor(socket, ...args));
    const { findings } = looks.at(-1)!.report;
    return !findings.some(({ verdict, text }) => verdict === 'warning' && IN_MS.test(text));
  });
  return looks.at(-1)!;
}

function linesOf({ findings }: Report, check: string): string[] {
  const own = findings.filter((finding) => finding.check === check);
  return own.map(({ verdict, text }) => `${verdict}: ${text}`);
}

/** Checks with a finding of this verdict. */
function checksWith({ findings }: Report, verdict: CheckedFinding['verdict']): string[] {
  return [...new Set(findings.filter((one) => one.verdict === verdict).map(({ check }) => check))];
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

/** Unbound with the names that a cluster has, and a root of its own. */
async function startKubeDns(t: CleanUp): Promise<{ stop: () => Promise<void> }> {
  const path = join(temporaryDirectory(t), 'unbound.conf');
  writeFileSync(
    path,
    `server:
  interface: ${KUBE_DNS}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  local-zone: "." static
  local-data: ". 3600 IN NS a.root-servers.example."
  local-data: "kubernetes.default.svc.cluster.local. 30 IN A ${KUBERNETES}"
remote-control:
  control-enable: no
`,
  );
  const child = spawn('unbound', ['-d', '-c', path], { stdio: 'ignore' });
  t.after(() => stop(child));
  const query = { name: 'kubernetes.default.svc.cluster.local' };
  await until('kube-dns answers', () => tcpAsk({ host: KUBE_DNS, port: 53 }, query));
  return { stop: () => stop(child) };
}

async function startCache(t: TestContext, args: readonly string[] = []) {
  const socket = join(temporaryDirectory(t), 'zerohop', 'control.sock');
  const daemon = await startDaemon(t, {
    corefile: COREFILE,
    dnsPort: 53,
    args: ['-localip', LOCAL, '-control-socket', socket, ...args],
  });
  await until('the control socket is there', async () => {
    return (await zerohop(['status', '--control-socket', socket])).code === 0;
  });
  return { daemon, socket };
}

function addAddresses(): void {
  for (const address of [LOCAL, KUBE_DNS]) {
    ip('address', 'replace', `${address}/32`, 'dev', 'lo');
  }
}

if (isInNamespace()) describeAll();
else test('in a namespace', (t) => runInNamespace(t, import.meta.filename));

function describeAll(): void {
  test('all well', async (t) => {
    addAddresses();
    await startKubeDns(t);
    const { daemon, socket } = await startCache(t);
    const { code, report } = await doctorAtEase(socket);
    assert.deepEqual(checksWith(report, 'failed'), [], JSON.stringify(report, undefined, 1));
    // It has just been started, which is a warning, and that is all.
    assert.deepEqual(checksWith(report, 'warning'), ['daemon']);
    assert.equal(code, 1);
    assert.match(linesOf(report, 'interface').at(-1)!, /^ok: 169\.254\.20\.10 is on lo$/);
    assert.deepEqual(linesOf(report, 'port').length, 2);
    for (const line of linesOf(report, 'port')) {
      assert.match(
        line,
        new RegExp(`^ok: 169\\.254\\.20\\.10:53/(udp|tcp): .* \\(process ${daemon.pid}\\)$`),
      );
    }
    assert.match(
      linesOf(report, 'query').join('\n'),
      /^ok: .*\/udp: kubernetes\.default\.svc\.cluster\.local is NOERROR/,
    );
    assert.match(
      linesOf(report, 'upstream').join('\n'),
      /^ok: 10\.96\.0\.11:53 \(for the cluster\): TCP NOERROR/,
    );
    assert.match(
      linesOf(report, 'comparison').join('\n'),
      /^ok: .* is NOERROR 10\.96\.0\.1, as kube-dns says$/,
    );
    // For people: one line a finding at least, none wider than a terminal, no colours in a pipe.
    let stdout = '';
    await until('no answer takes long', async () => {
      ({ stdout } = await zerohop(['doctor', '--control-socket', socket]));
      return / 1 warning, /.test(stdout);
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(stdout, /\u001b/);
    for (const line of stdout.split('\n').slice(1)) assert(line.length <= 80, line);
    assert.match(stdout, /^ok {7}comparison {5}/m);
    assert.match(stdout, /^\d+ ok, 1 warning, 0 failed, \d+ skipped$/m);
  });

  test('rules and lease; and a daemon that stands still', async (t) => {
    addAddresses();
    await startKubeDns(t);
    const args = ['-setupiptables=true', '-interception=nft', '-fallback-service='];
    const { daemon, socket } = await startCache(t, args);
    const look = () => doctor(socket, '--only', 'daemon,rules,lease');
    await until('the rules are there', async () => (await look()).report.failed === 0);
    const { report } = await look();
    assert.match(
      linesOf(report, 'rules').join(),
      /^ok: 169\.254\.20\.10: (\d+) of \1 rules \(nft\)/,
    );
    assert.match(
      linesOf(report, 'lease').join(),
      /^(ok|warning): 169\.254\.20\.10: renewed \d\.\d s ago, of 3 s$/,
    );
    daemon.signal('SIGSTOP');
    t.after(() => daemon.signal('SIGCONT'));
    const isOut = async () => /lease is out/.test(linesOf((await look()).report, 'lease').join());
    await until('the lease is out', isOut);
    const still = await look();
    assert.equal(still.code, 2);
    assert.match(
      linesOf(still.report, 'daemon').join(),
      /^warning: the control socket does not answer: no reply within 2 s$/,
    );
  });

  test('address missing', async (t) => {
    addAddresses();
    await startKubeDns(t);
    const { socket } = await startCache(t);
    ip('address', 'delete', `${LOCAL}/32`, 'dev', 'lo');
    const { code, report } = await doctorAtEase(socket);
    assert.equal(code, 2);
    assert.match(
      linesOf(report, 'interface').join('\n'),
      /^failed: no interface has the address 169\.254\.20\.10/m,
    );
    assert.match(
      linesOf(report, 'query').join('\n'),
      /^failed: 169\.254\.20\.10:53\/udp: no route/m,
    );
    assert.match(linesOf(report, 'upstream').join('\n'), /^ok: /);
  });

  test('upstream dead', async (t) => {
    addAddresses();
    const kubeDns = await startKubeDns(t);
    const { socket } = await startCache(t);
    await kubeDns.stop();
    const { code, report } = await doctor(socket);
    assert.equal(code, 2);
    assert.match(
      linesOf(report, 'upstream').join('\n'),
      /^failed: 10\.96\.0\.11:53 .*nobody listens there/,
    );
    assert.match(
      linesOf(report, 'query').join('\n'),
      /^failed: .*(SERVFAIL|no answer within 2 s)/m,
    );
    assert.match(linesOf(report, 'port').join('\n'), /^ok: .*\nok: /);
  });

  test('port taken by another program, and no daemon', async (t) => {
    addAddresses();
    await startKubeDns(t);
    const flags = [
      '--no-daemon',
      '--conf-file=/dev/null',
      `--listen-address=${LOCAL}`,
      '--bind-interfaces',
    ];
    const other = spawn('dnsmasq', [...flags, '--no-resolv', '--user=root', '--pid-file='], {
      stdio: 'ignore',
    });
    t.after(() => stop(other));
    await until('dnsmasq answers', () => tcpAsk({ host: LOCAL, port: 53 }, { name: 'a.test' }));
    const corefile = join(temporaryDirectory(t), 'Corefile');
    writeFileSync(corefile, COREFILE);
    // As an operator has it who cannot start the daemon.
    const { code, report } = await doctorAtEase(
      `${corefile}.none`,
      '--local-ip',
      LOCAL,
      '--corefile',
      corefile,
    );
    assert.equal(code, 2);
    assert.match(
      linesOf(report, 'daemon').join('\n'),
      /^failed: no process of Zerohop is to be seen/,
    );
    for (const line of linesOf(report, 'port')) {
      assert.match(line, new RegExp(`^failed: .* is taken by dnsmasq \\(process ${other.pid}\\)$`));
    }
    assert.match(
      linesOf(report, 'upstream').join('\n'),
      /^ok: 10\.96\.0\.11:53 \(for the cluster\)/,
    );
  });

  test('a pod, asked from inside; and its veth has statistics', async (t) => {
    addAddresses();
    await startKubeDns(t);
    const { socket } = await startCache(t);
    mkdirSync('/run/netns', { recursive: true });
    ip('netns', 'add', 'zerohop-pod');
    after(() => execFileSync('ip', ['netns', 'delete', 'zerohop-pod']));
    ip('link', 'add', 'zpod0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'zerohop-pod');
    ip('address', 'add', '10.244.0.1/24', 'dev', 'zpod0');
    ip('link', 'set', 'zpod0', 'up');
    const inside = ['-n', 'zerohop-pod'];
    ip(...inside, 'address', 'add', '10.244.0.2/24', 'dev', 'eth0');
    ip(...inside, 'link', 'set', 'eth0', 'up');
    ip(...inside, 'route', 'add', 'default', 'via', '10.244.0.1');
    assert(driverStatistics(requireLibc(), 'zpod0').has('peer_ifindex'));
    const resolvConf = join(temporaryDirectory(t), 'resolv.conf');
    writeFileSync(resolvConf, `nameserver ${LOCAL}\nsearch a.test\noptions ndots:5\n`);
    const path = '/run/netns/zerohop-pod';
    const { report } = await doctor(
      socket,
      '--pod-netns',
      path,
      '--resolv-conf',
      resolvConf,
      '--only',
      'pod',
    );
    const [listed, ...asked] = linesOf(report, 'pod');
    assert.equal(listed, `ok: it asks ${LOCAL}`);
    assert.equal(asked.length, 2);
    for (const line of asked) {
      assert.match(
        line,
        /^ok: from \/run\/netns\/zerohop-pod: 169\.254\.20\.10\/(udp|tcp) NOERROR in/,
      );
    }
    writeFileSync(resolvConf, 'nameserver 10.96.0.10\n');
    const wrong = await doctor(
      socket,
      '--pod-netns',
      path,
      '--resolv-conf',
      resolvConf,
      '--only',
      'pod',
    );
    assert.equal(wrong.code, 2);
    assert.match(linesOf(wrong.report, 'pod')[0]!, /^failed: it asks 10\.96\.0\.10, and we serve/);
    assert.match(linesOf(wrong.report, 'pod')[1]!, /^failed: from .*10\.96\.0\.10\/udp/);
    const none = await doctor(
      socket,
      '--pod-netns',
      `${resolvConf}.none`,
      '--resolv-conf',
      resolvConf,
      '--only',
      'pod',
    );
    assert.match(linesOf(none.report, 'pod')[1]!, /^skipped: .*cannot enter \S+\.none: ENOENT/);
  });
}
