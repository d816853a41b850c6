/**
 * The daemon with the arguments and the Corefile of deploy/nodelocaldns.yaml, its placeholders filled in, in directories like the
 * pod's: it serves, says that it is ready, and has what it writes where the manifest has a volume.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DaemonPorts, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses, negative } from '../support/scripted-replies.ts';
import { type Handler, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { fillIn, manifestText, objectNamed, objectsIn, ROOT } from './manifest.ts';

const ALARMING = /WARNING|ERROR|no control socket/;
/** What a busy machine alone brings about. */
const BUSY = /slow query|took more than 1s/;
const NO_KUSTOMIZE =
  spawnSync('kustomize', ['version']).status === 0 ? false : 'needs kustomize (sigs.k8s.io)';

const VALUES = { localDns: '127.0.0.1', dnsServer: '127.0.0.2', domain: 'cluster.local' };
const OBJECTS = objectsIn(fillIn(manifestText(), VALUES));
const TEMPLATE = objectNamed(OBJECTS, 'ConfigMap', 'node-local-dns').data!['Corefile']!;
const ARGS: string[] = objectNamed(OBJECTS, 'DaemonSet', 'node-local-dns').spec.template.spec
  .containers[0].args;

/** To the probes of `loop` too: one without an answer is an error in the log four seconds later, when a slow test still runs. */
const answer: Handler = (query) =>
  query.question.type === 'HINFO' ? negative(query, 3, 'example') : addresses(query, '192.0.2.1');

/** The manifest's ports made free ones; kube-dns and the others are one scripted upstream. */
function template(ports: DaemonPorts, upstreamPort: number, corefile = TEMPLATE): string {
  return corefile
    .replaceAll(':53 {', `:${ports.dns} {`)
    .replaceAll(':8080', `:${ports.health}`)
    .replaceAll(':9253', `127.0.0.1:${ports.prometheus}`)
    .replaceAll('__PILLAR__UPSTREAM__SERVERS__', `127.0.0.1:${upstreamPort}`)
    .replaceAll('__PILLAR__CLUSTER__DNS__', `__PILLAR__CLUSTER__DNS__:${upstreamPort}`);
}

test('runs as the manifest starts it', async (t) => {
  const upstream = await ScriptedUpstream.start(t, answer);
  const directory = temporaryDirectory(t);
  const run = join(directory, 'run');
  mkdirSync(run);
  // As the kubelet makes an emptyDir.
  chmodSync(run, 0o777);
  const args = (ports: DaemonPorts) => {
    const base = join(directory, 'Corefile.base');
    writeFileSync(base, template(ports, upstream.port));
    const inPod = ARGS.map((word) => word.replace(/^\/run\//, `${run}/`));
    const socket = ['-control-socket', join(run, 'zerohop/control.sock')];
    return [...inPod, '-basecorefile', base, ...socket, '-dns.port', String(ports.dns)];
  };
  const environment = { KUBE_DNS_UPSTREAM_SERVICE_HOST: '127.0.0.1' };
  const daemon = await startDaemon(t, { corefile: '', args, environment });
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    for (const name of ['kubernetes.default.svc.cluster.local', 'example.com']) {
      const reply = await udpAsk({ host, port: daemon.ports.dns }, { name });
      assert.deepEqual(reply.data('A'), ['192.0.2.1'], `${name} at ${host}`);
    }
  }
  await until('readiness', async () => {
    return (await fetch(`http://127.0.0.1:${daemon.ports.health}/ready`)).ok;
  });
  assert.equal(Number(readFileSync(join(run, 'node-cache.pid'), 'utf8')), daemon.pid);
  assert.match(readFileSync(join(run, 'Corefile'), 'utf8'), /bind 127\.0\.0\.1 127\.0\.0\.2/);
  assert.equal(statSync(join(run, 'zerohop')).mode & 0o777, 0o700);
  assert.ok(statSync(join(run, 'zerohop/control.sock')).isSocket());
  const alarming = daemon.log.filter((line) => ALARMING.test(line) && !BUSY.test(line));
  assert.deepEqual(alarming, []);
});

test('runs in a pod of its own, where Cilium brings the queries', {
  skip: NO_KUSTOMIZE,
}, async (t) => {
  const upstream = await ScriptedUpstream.start(t, answer);
  const overlay = join(ROOT, 'deploy/kustomize/cilium');
  const text = execFileSync('kustomize', ['build', overlay], { encoding: 'utf8' });
  const objects = objectsIn(fillIn(text, VALUES));
  const corefile = objectNamed(objects, 'ConfigMap', 'node-local-dns').data!['Corefile']!;
  const { args: inPod } = objectNamed(objects, 'DaemonSet', 'node-local-dns').spec.template.spec
    .containers[0];
  const directory = temporaryDirectory(t);
  const daemon = await startDaemon(t, {
    corefile: '',
    args: (ports) => {
      const base = join(directory, 'Corefile.base');
      writeFileSync(base, template(ports, upstream.port, corefile));
      const words: string[] = inPod.map((word: string) =>
        word.replace(/^\/run\//, `${directory}/`),
      );
      return [
        ...words,
        '-control-socket',
        '',
        '-basecorefile',
        base,
        '-dns.port',
        String(ports.dns),
      ];
    },
    environment: { KUBE_DNS_UPSTREAM_SERVICE_HOST: '127.0.0.1' },
  });
  // An address that the Corefile does not name: 0.0.0.0 has them all, as a pod's network has one that nobody knows before.
  const reply = await udpAsk(
    { host: '127.0.0.3', port: daemon.ports.dns },
    { name: 'example.com' },
  );
  assert.deepEqual(reply.data('A'), ['192.0.2.1']);
  await until('readiness', async () => {
    return (await fetch(`http://127.0.0.1:${daemon.ports.health}/ready`)).ok;
  });
  const alarming = daemon.log.filter((line) => ALARMING.test(line) && !BUSY.test(line));
  assert.deepEqual(alarming, []);
});
