/** Kubeconfigs: what is read of them, and what is refused. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ClusterError } from '../../src/cluster/access.ts';
import { readKubeconfig } from '../../src/cluster/kubeconfig.ts';
import { CERTIFICATE, KEY } from '../upstream/support-certificate.ts';
import { base64, kubeconfig, kubeconfigFile } from './kubeconfig-file.ts';

const SERVER = 'https://api.example.org:6443';

suite('who asks', () => {
  test('a token', async (t) => {
    const file = kubeconfigFile(t, kubeconfig(SERVER, { token: 'secret' }));
    const access = await readKubeconfig([file], undefined);
    assert.equal(access.server.href, `${SERVER}/`);
    assert.equal(access.token, 'secret');
    assert.equal(access.tls.ca, CERTIFICATE);
    assert.equal(access.tls.isVerified, true);
  });

  test('a token in a file beside it, without the line break at its end', async (t) => {
    const config = kubeconfig(SERVER, { tokenFile: 'token' });
    const file = kubeconfigFile(t, config, { token: 'secret\n' });
    assert.equal((await readKubeconfig([file], undefined)).token, 'secret');
  });

  test('a client certificate, as data or in files', async (t) => {
    const data = { 'client-certificate-data': base64(CERTIFICATE), 'client-key-data': base64(KEY) };
    const paths = { 'client-certificate': 'me.crt', 'client-key': 'me.key' };
    const beside = { 'me.crt': CERTIFICATE, 'me.key': KEY };
    for (const user of [data, paths]) {
      const file = kubeconfigFile(t, kubeconfig(SERVER, user), beside);
      const { tls, token } = await readKubeconfig([file], undefined);
      assert.deepEqual([tls.cert, tls.key, token], [CERTIFICATE, KEY, undefined]);
    }
  });

  test('the server’s name, and no verification where that is said', async (t) => {
    const cluster = { 'tls-server-name': 'kubernetes', 'insecure-skip-tls-verify': true };
    const file = kubeconfigFile(t, kubeconfig(SERVER, { token: 'secret' }, cluster));
    const { tls } = await readKubeconfig([file], undefined);
    assert.deepEqual([tls.serverName, tls.isVerified], ['kubernetes', false]);
  });
});

suite('several files', () => {
  test('the first that says something counts, and missing ones are passed over', async (t) => {
    const first = kubeconfigFile(t, {
      'current-context': 'other',
      contexts: [{ name: 'other', context: { cluster: 'here', user: 'other' } }],
      users: [{ name: 'other', user: { token: 'first' } }],
    });
    const second = kubeconfigFile(t, kubeconfig(SERVER, { token: 'second' }));
    const files = ['/nonexistent/config', first, second];
    assert.equal((await readKubeconfig(files, undefined)).token, 'first');
    assert.equal((await readKubeconfig(files, 'test')).token, 'second');
  });
});

const REFUSED: readonly [string, object | string, RegExp][] = [
  ['no YAML', '{', /config: /],
  ['no kubeconfig', 'a text', /expected a kubeconfig/],
  ['no context', {}, /no current-context: expected one, or a context by --context/],
  ['an unknown context', { 'current-context': 'a' }, /no context 'a': there are none/],
  [
    'a context without its cluster',
    { 'current-context': 'a', contexts: [{ name: 'a', context: { cluster: 'b', user: 'c' } }] },
    /context 'a': no cluster 'b' in it/,
  ],
  ['no server', kubeconfig('', { token: 'a' }), /server '': expected an https:\/\/ address/],
  ['another scheme', kubeconfig('unix:///a', { token: 'a' }), /expected an https:\/\/ address/],
  ['a password', kubeconfig(SERVER, { username: 'a', password: 'b' }), /'username' is not supp/],
  ['impersonation', kubeconfig(SERVER, { token: 'a', as: 'b' }), /'as' is not supported here/],
  ['auth-provider', kubeconfig(SERVER, { 'auth-provider': {} }), /kubectl proxy/],
  ['a proxy', kubeconfig(SERVER, { token: 'a' }, { 'proxy-url': 'socks5://a' }), /'proxy-url' is/],
  [
    'data that is no PEM',
    kubeconfig(SERVER, { token: 'a' }, { 'certificate-authority-data': 'AAAA' }),
    /certificate-authority-data: expected PEM in base64/,
  ],
  ['a missing file', kubeconfig(SERVER, { tokenFile: 'nowhere' }), /tokenFile: ENOENT/],
  [
    'a certificate without its key',
    kubeconfig(SERVER, { 'client-certificate-data': base64(CERTIFICATE) }),
    /expected client-certificate and client-key together/,
  ],
  ['a plugin without a command', kubeconfig(SERVER, { exec: {} }), /exec: expected a command/],
];

suite('refused', () => {
  for (const [what, config, pattern] of REFUSED) {
    test(what, async (t) => {
      const reading = readKubeconfig([kubeconfigFile(t, config)], undefined);
      await assert.rejects(reading, (error) => {
        assert.ok(error instanceof ClusterError);
        assert.match(error.message, pattern);
        return true;
      });
    });
  }

  test('a file that is not there', async () => {
    const reading = readKubeconfig(['/nonexistent/config'], undefined);
    await assert.rejects(reading, { message: /kubeconfig: ENOENT.*\/nonexistent\/config/ });
  });
});
