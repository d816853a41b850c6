/**
 * IPVS mode with the kernel's load balancer and a dummy device: the manifest's Corefile with our address alone, kube-dns behind its Service.
 * Skipped where the kernel or this machine lacks one of them; `npm run guest -- test/host/node/ipvs.test.ts` has both.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  fillIn,
  IPVS_VALUES,
  manifestText,
  objectNamed,
  objectsIn,
} from '../../deploy/manifest.ts';
import { startDaemon } from '../../support/daemon.ts';
import { tcpAsk, udpAsk } from '../../support/dns-client.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';
import {
  CLUSTER_IP,
  can,
  DATA,
  hasDummyDevices,
  KubeDns,
  NAME,
  OWN,
  sh,
  stateOfNode,
  UPSTREAM_IP,
} from './daemon-node.ts';

const MANIFEST = objectsIn(fillIn(manifestText(), IPVS_VALUES));
const [CONTAINER] = objectNamed(MANIFEST, 'DaemonSet', 'node-local-dns').spec.template.spec
  .containers;
const { Corefile } = objectNamed(MANIFEST, 'ConfigMap', 'node-local-dns').data!;

function lacks(): string | false {
  if (!hasDummyDevices) return 'this kernel has no dummy devices';
  return can('ipvsadm -l') ? false : 'no ipvsadm here, or no ip_vs in this kernel';
}

/** Connections to a Service over UDP and TCP, as the load balancer counts them, every two seconds. */
function balanced(address: string): number {
  const lines = sh('ipvsadm -L -n --stats --exact').split('\n');
  const services = lines.filter((line) => line.includes(` ${address}:53 `));
  return services.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0);
}

const skip = lacks();
if (skip !== false) test('in a namespace', { skip });
else if (isInNamespace()) describeAll();
else test('in a namespace', (t) => runInNamespace(t, import.meta.filename));

function describeAll(): void {
  let kubeDns: KubeDns;
  before(async () => {
    kubeDns = await KubeDns.start('ipvs');
  });
  after(() => kubeDns.close());

  test('our address is answered by us, the ClusterIP by the load balancer', async (t) => {
    const atFirst = stateOfNode();
    const directory = temporaryDirectory(t);
    const base = join(directory, 'Corefile.base');
    writeFileSync(base, Corefile!);
    mkdirSync(join(directory, 'run'));
    writeFileSync('/run/resolv.conf', `nameserver ${UPSTREAM_IP}\n`);
    sh('mount --bind /run/resolv.conf /etc/resolv.conf');
    const daemon = await startDaemon(t, {
      corefile: '',
      dnsPort: 53,
      args: [
        ...['-setupinterface=true', '-setupiptables=true'],
        ...CONTAINER.args.map((arg: string) => arg.replace('/run/', `${directory}/run/`)),
        ...['-basecorefile', base, '-control-socket', join(directory, 'run/zerohop/socket')],
      ],
      environment: { KUBE_DNS_UPSTREAM_SERVICE_HOST: UPSTREAM_IP },
    });
    await daemon.waitForLog(/^\[INFO\] interception: \S+: 169\.254\.20\.10/, 60_000);

    const link = sh('ip -d -o link show nodelocaldns; ip -o -4 address show dev nodelocaldns');
    assert.match(link, /[<,]UP[,>][\s\S]* dummy [\s\S]*inet 169\.254\.20\.10\/32/);
    assert.doesNotMatch(link, new RegExp(`inet ${CLUSTER_IP}/`));

    await until('the proof is counted by the load balancer', () => balanced(UPSTREAM_IP) > 0);
    for (const ask of [udpAsk, tcpAsk]) {
      for (const _ of ['a miss', 'a hit']) {
        assert.deepEqual((await ask({ host: OWN, port: 53 }, { name: NAME })).data('A'), DATA);
      }
    }
    const hits = async () => (await daemon.scrape()).sum('coredns_cache_hits_total');
    assert.ok((await hits()) >= 3);

    const before = { hits: await hits(), balanced: balanced(CLUSTER_IP) };
    for (const ask of [udpAsk, tcpAsk]) {
      const reply = await ask({ host: CLUSTER_IP, port: 53 }, { name: NAME });
      assert.deepEqual(reply.data('A'), DATA);
    }
    await until('both are counted', () => balanced(CLUSTER_IP) === before.balanced + 2);
    assert.equal(await hits(), before.hits);

    assert.equal(await daemon.stop(30_000), 0);
    assert.deepEqual(stateOfNode(), atFirst);
    await until('the ClusterIP is answered', () =>
      udpAsk({ host: CLUSTER_IP, port: 53 }, { name: NAME }),
    );
  });
}
