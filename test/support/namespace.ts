/**
 * Runs a test file in network, mount and process namespaces of its own, because stubs (glibc, musl) read `/etc/resolv.conf` and
 * know no port but 53. There, loopback is up and is all there is, port 53 is free, and `/etc/resolv.conf` is the test's;
 * the machine's own stays as it is. It needs root, util-linux and iproute2; without them it fails, it does not skip.
 *
 *     if (isInNamespace()) { test('...'); ... }
 *     else test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { type CleanUp, temporaryDirectory } from './temporary-directory.ts';

const MARK = 'ZEROHOP_TEST_NAMESPACE';

/** What the kubelet writes for a pod of namespace `default` with `dnsPolicy: ClusterFirst`. */
const POD_RESOLV_CONF = `nameserver 127.0.0.1
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
`;

/** $1: the resolv.conf to put in place; the rest: the command. A new mount namespace's mounts are private to it. */
const ENTER = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';

/** What the reporter prints at its end. */
const COUNT = /^ℹ \w+ [\d.]+$/;

export interface NamespaceOptions {
  /** Default: a pod's, with the name server 127.0.0.1. */
  readonly resolvConf?: string;
}

/** Whether this process was started by `runInNamespace`. */
export function isInNamespace(): boolean {
  return process.env[MARK] === '1';
}

/** Runs the test file once more, inside, and prints its figures; rejects with its whole report when a test in it fails. */
export async function runInNamespace(
  test: CleanUp & Partial<Pick<TestContext, 'diagnostic'>>,
  testFile: string,
  { resolvConf = POD_RESOLV_CONF }: NamespaceOptions = {},
): Promise<void> {
  const path = join(temporaryDirectory(test), 'resolv.conf');
  writeFileSync(path, resolvConf);
  const command = [process.execPath, '--test', '--test-reporter=spec', testFile];
  // With its context the inner runner would take itself for a child of the outer one, and print no report.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  // The shell is the first process of its namespace: when it goes, the kernel ends all that the tests have started.
  const unshare = ['--mount', '--net', '--pid', '--mount-proc', '--fork', '--kill-child', '--'];
  const child = spawn('unshare', [...unshare, 'sh', '-c', ENTER, 'sh', path, ...command], {
    env: { ...inherited, [MARK]: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  test.after(() => child.kill('SIGKILL'));
  const outcome = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), outcome]);
  const [code] = await outcome;
  if (code !== 0) throw new Error(`tests failed in the namespace:\n${stdout}${stderr}`);
  const figures = stdout.split('\n').filter((line) => /^\s*ℹ/.test(line));
  for (const line of figures) if (!COUNT.test(line)) test.diagnostic?.(line.replace(/^\s*ℹ /, ''));
}
