/**
 * The daemon as confined as deploy/nodelocaldns.yaml has it: a read-only root, one writable directory at /run, the manifest's
 * capabilities and no others, no new privileges; in network and mount namespaces of its own. It needs root.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { manifestText, objectNamed, objectsIn } from '../deploy/manifest.ts';
import { startDaemon } from '../support/daemon.ts';

const MANIFEST = objectsIn(manifestText());
const POD = objectNamed(MANIFEST, 'DaemonSet', 'node-local-dns').spec.template.spec;
const [CONTAINER] = POD.containers;
const ADDED: string[] = CONTAINER.securityContext.capabilities.add;
/** linux/capability.h. */
const BITS: Readonly<Record<string, bigint>> = { NET_BIND_SERVICE: 10n, NET_ADMIN: 12n };

/** As the kubelet and the runtime do it: volumes first, then what cannot be undone. */
const CONFINE = [
  'mount --make-rprivate /',
  'mount -t tmpfs -o mode=0777,size=8m none /run',
  'mount -o remount,bind,ro /',
  'ip link set lo up',
].join(' && ');

function wrapper(): string[] {
  const kept = ADDED.map((name) => `+${name.toLowerCase()}`).join(',');
  const limits = `--bounding-set=-all,${kept} --inh-caps=-all --no-new-privs`;
  return [
    'unshare',
    '--net',
    '--mount',
    'sh',
    '-euc',
    `${CONFINE} && exec setpriv ${limits} "$0" "$@"`,
  ];
}

test('runs with what the manifest gives it, and with nothing else', async (t) => {
  const daemon = await startDaemon(t, {
    corefile: '.:53 {\n    errors\n    cache\n    bind 169.254.20.10\n    forward . 192.0.2.1\n}\n',
    wrapper: wrapper(),
    args: [
      '-localip=169.254.20.10',
      '-setupinterface=true',
      '-pidfile=/run/node-cache.pid',
      '-control-socket=/run/zerohop/control.sock',
    ],
  });
  const root = `/proc/${daemon.pid}/root`;
  const mounts = readFileSync(`/proc/${daemon.pid}/mounts`, 'utf8').split('\n');
  const optionsOf = (path: string) =>
    mounts
      .findLast((line) => line.split(' ')[1] === path)!
      .split(' ')[3]!
      .split(',');
  assert.ok(optionsOf('/').includes('ro'));
  assert.ok(optionsOf('/run').includes('rw'));
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  const [, bounding] = /^CapBnd:\s*(\w+)$/m.exec(status)!;
  const expected = ADDED.reduce((mask, name) => mask | (1n << BITS[name]!), 0n);
  assert.equal(BigInt(`0x${bounding}`), expected);
  assert.match(status, /^NoNewPrivs:\s*1$/m);
  // The interface needs NET_ADMIN, port 53 NET_BIND_SERVICE.
  const addresses = readFileSync(`/proc/${daemon.pid}/net/fib_trie`, 'utf8');
  assert.match(addresses, /169\.254\.20\.10/);
  assert.ok(daemon.log.includes('.:53 on 169.254.20.10'), daemon.log.join('\n'));
  assert.match(readFileSync(`${root}/run/node-cache.pid`, 'utf8'), /^\d+$/m);
  const alarming = daemon.log.filter((line) =>
    /EROFS|EACCES|EPERM|capabilit|control socket/.test(line),
  );
  assert.deepEqual(alarming, []);
  assert.equal(await daemon.stop(), 0);
});
