/** Credential plugins as programs: what they are told, what is taken from them, and what becomes of those that fail. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type ExecPlugin, runExecPlugin } from '../../src/cluster/exec-plugin.ts';
import { readKubeconfig } from '../../src/cluster/kubeconfig.ts';
import { kubeconfig, kubeconfigFile } from './kubeconfig-file.ts';

const API_VERSION = 'client.authentication.k8s.io/v1';
const CLUSTER = { server: new URL('https://api.example.org'), ca: undefined, fields: {} };

/** Runs `script` with sh as a plugin. */
function run(script: string, options: Partial<ExecPlugin> = {}, timeoutMs?: number) {
  const plugin: ExecPlugin = {
    command: 'sh',
    args: ['-c', script],
    env: {},
    apiVersion: API_VERSION,
    providesClusterInfo: false,
    installHint: undefined,
    file: 'config',
    ...options,
  };
  return runExecPlugin(plugin, CLUSTER, timeoutMs);
}

test('gives a token, or a client certificate', async () => {
  assert.deepEqual(await run(`echo '{"status": {"token": "a"}}'`), {
    token: 'a',
    cert: undefined,
    key: undefined,
  });
  const pair = { clientCertificateData: 'b', clientKeyData: 'c' };
  assert.deepEqual(await run(`echo '${JSON.stringify({ status: pair })}'`), {
    token: undefined,
    cert: 'b',
    key: 'c',
  });
});

test('is told who asks, and of the cluster where it wants to know', async () => {
  const echo = `printf '{"status": {"token": "%s"}}' "$(printf %s "$KUBERNETES_EXEC_INFO$REGION" | base64 -w0)"`;
  const told = async (options: Partial<ExecPlugin>) => {
    const { token } = await run(echo, { env: { REGION: ' ' }, ...options });
    return JSON.parse(Buffer.from(token!, 'base64').toString());
  };
  assert.deepEqual(await told({}), {
    apiVersion: API_VERSION,
    kind: 'ExecCredential',
    spec: { interactive: false },
  });
  const { spec } = await told({ providesClusterInfo: true });
  assert.deepEqual(spec.cluster, { server: 'https://api.example.org', config: null });
});

test('a path starts where the kubeconfig is', async (t: TestContext) => {
  const exec = { apiVersion: API_VERSION, command: './plugin', args: ['a b'] };
  const script = `#!/bin/sh\necho "{\\"status\\": {\\"token\\": \\"$1\\"}}"\n`;
  const config = kubeconfig('https://api.example.org', { exec });
  const file = kubeconfigFile(t, config, { plugin: script });
  assert.equal((await readKubeconfig([file], undefined)).token, 'a b');
});

suite('fails with a word', () => {
  const failing: readonly [string, string, Partial<ExecPlugin>, RegExp][] = [
    [
      'there is no such command',
      '',
      { command: 'no-such-plugin', installHint: 'install it' },
      /config: exec: no-such-plugin: no such command: install it$/,
    ],
    ['its own last line', 'echo a >&2; echo "log in first" >&2; exit 1', {}, /: log in first$/],
    ['no JSON', 'echo a', {}, /expected an ExecCredential with a token or a client certificate/],
    ['nothing in it', `echo '{"status": {}}'`, {}, /expected an ExecCredential/],
    ['half a pair', `echo '{"status": {"clientKeyData": "a"}}'`, {}, /expected an ExecCredential/],
    ['too much', 'yes', {}, /prints more than 1 MiB$/],
    ['an unknown version', '', { apiVersion: 'v7' }, /apiVersion 'v7': expected client\.auth/],
  ];
  for (const [what, script, options, pattern] of failing) {
    test(what, async () => {
      await assert.rejects(run(script, options), pattern);
    });
  }

  test('no end', async () => {
    await assert.rejects(run('exec sleep 600', {}, 200), /did not end within 0\.2 s$/);
  });
});
