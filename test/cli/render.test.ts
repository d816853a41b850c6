/**
 * `zerohop render` as an operator runs it, against an API over TLS: what comes out is what `sed` makes of the manifest, and what
 * goes wrong is one line.
 */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { KUBE_SYSTEM, KUBEADM, service, startApi, TOKEN } from '../cluster/api-server.ts';
import { base64, kubeconfig, kubeconfigFile } from '../cluster/kubeconfig-file.ts';
import { fillIn, manifestText, objectsIn } from '../deploy/manifest.ts';
import { CERTIFICATE, KEY } from '../upstream/support-certificate.ts';
import { zerohop } from './zerohop-command.ts';

const IMAGE = ['--image', 'registry.example.com/zerohop:0.1.0'];
const VALUES = { localDns: '169.254.20.10', dnsServer: '10.100.0.10', domain: 'k8s.example.org' };
const ALL = ['--dns-server', '10.100.0.10', '--domain', 'k8s.example.org', '--mode', 'nftables'];
/** No cluster of the machine that tests. */
const NOWHERE = { HOME: '/nonexistent', KUBECONFIG: '', KUBERNETES_SERVICE_HOST: '' };

async function rendered(args: readonly string[], input = '', environment = {}) {
  const patience = args.includes('--timeout') ? [] : ['--timeout', '60'];
  return zerohop(['render', ...patience, ...args], input, { ...NOWHERE, ...environment });
}

async function written(args: readonly string[], input = '', environment = {}) {
  const { code, stdout, stderr } = await rendered(args, input, environment);
  assert.deepEqual([code, stderr], [0, '']);
  return objectsIn(stdout);
}

async function cluster(t: TestContext, user: object, pages = KUBEADM) {
  const { url, asked } = await startApi(t, pages);
  return { file: kubeconfigFile(t, kubeconfig(url, user)), asked };
}

suite('the manifest', { concurrency: true }, () => {
  test('by the cluster, with a token', async (t) => {
    const { file, asked } = await cluster(t, { token: TOKEN });
    const made = await written([...IMAGE, '--kubeconfig', file]);
    assert.deepEqual(made, objectsIn(fillIn(manifestText(), VALUES)));
    const paths = ['configmaps/kube-proxy', 'services/kube-dns', 'configmaps/coredns'];
    assert.deepEqual(
      asked,
      paths.map((path) => `${KUBE_SYSTEM}/${path}`),
    );
  });

  test('with a client certificate, through $KUBECONFIG', async (t) => {
    const user = { 'client-certificate-data': base64(CERTIFICATE), 'client-key-data': base64(KEY) };
    const { file } = await cluster(t, user);
    const made = await written(IMAGE, '', { KUBECONFIG: `/nonexistent/config:${file}` });
    assert.deepEqual(made, objectsIn(fillIn(manifestText(), VALUES)));
  });

  test('with a credential plugin', async (t) => {
    const credential = { status: { token: TOKEN } };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command: 'echo',
      args: [JSON.stringify(credential)],
    };
    const { file } = await cluster(t, { exec });
    assert.deepEqual(
      await written([...IMAGE, '--kubeconfig', file]),
      objectsIn(fillIn(manifestText(), VALUES)),
    );
  });

  test('in IPVS mode, without its ClusterIP', async (t) => {
    const ipvs = { data: { 'config.conf': 'mode: ipvs' } };
    const pages = { ...KUBEADM, [`${KUBE_SYSTEM}/configmaps/kube-proxy`]: ipvs };
    const { file, asked } = await cluster(t, { token: TOKEN }, pages);
    const made = await written([...IMAGE, '--kubeconfig', file]);
    assert.deepEqual(made, objectsIn(fillIn(manifestText(), { ...VALUES, dnsServer: '' })));
    assert.ok(!asked.includes(`${KUBE_SYSTEM}/services/kube-dns`));
  });

  test('by options alone, without a cluster, from standard input', async () => {
    const made = await written([...IMAGE, ...ALL, '-'], manifestText());
    assert.deepEqual(made, objectsIn(fillIn(manifestText(), VALUES)));
  });
});

suite('notes', { concurrency: true }, () => {
  test('without a word of kube-proxy’s mode', async (t) => {
    const { [`${KUBE_SYSTEM}/configmaps/kube-proxy`]: _, ...pages } = KUBEADM;
    const { file } = await cluster(t, { token: TOKEN }, pages);
    const { code, stdout, stderr } = await rendered([...IMAGE, '--kubeconfig', file]);
    assert.equal(code, 0);
    assert.match(stderr, /^zerohop: render: no ConfigMap of kube-proxy says its mode: .*--mode/);
    assert.deepEqual(objectsIn(stdout), objectsIn(fillIn(manifestText(), VALUES)));
  });

  test('a second ClusterIP that nobody takes over', async (t) => {
    const kubeDns = service('kube-dns', 'fd00::a', '10.100.0.10');
    const pages = { ...KUBEADM, [`${KUBE_SYSTEM}/services/kube-dns`]: kubeDns };
    const { file } = await cluster(t, { token: TOKEN }, pages);
    const { code, stdout, stderr } = await rendered([...IMAGE, '--kubeconfig', file]);
    assert.equal(code, 0);
    assert.match(stderr, /kube-dns's fd00::a is not taken over: .*overlay dual-stack/);
    assert.deepEqual(objectsIn(stdout), objectsIn(fillIn(manifestText(), VALUES)));
  });
});

suite('exit code 2: wrong options', { concurrency: true }, () => {
  const wrong: readonly [string[], RegExp][] = [
    [ALL, /--image: expected one, since .*nodelocaldns\.yaml names it/],
    [[...IMAGE, '--mode', 'ebpf'], /--mode 'ebpf': expected iptables, nftables, ipvs/],
    [[...IMAGE, '--domain', 'Cluster_Local'], /--domain 'Cluster_Local': expected a domain/],
    [[...IMAGE, '--dns-server', '10.0.0.0/8'], /--dns-server '10\.0\.0\.0\/8': expected an IP/],
    [[...IMAGE, '--local-dns', '192.0.2.1,192.0.2.2'], /expected one address, or one of each fam/],
    [[...IMAGE, ...ALL, '--local-dns', '192.0.2.1,fd00::1'], /use the overlay dual-stack/],
    [['--image', 'a b', ...ALL], /--image 'a b': expected one such as/],
    [[...IMAGE, '--timeout', '0'], /--timeout 0: expected whole seconds from 1 to 300/],
    [[...IMAGE, '--server', 'http://127.0.0.1', '--context', 'a'], /takes neither/],
  ];
  for (const [args, pattern] of wrong) {
    test(args.join(' '), async () => {
      const { code, stdout, stderr } = await rendered(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, pattern);
    });
  }
});

suite('exit code 1: it cannot be done', { concurrency: true }, () => {
  test('nobody says which cluster', async () => {
    const { code, stdout, stderr } = await rendered(IMAGE);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^zerohop: render: no cluster: expected --kubeconfig, KUBECONFIG, /);
  });

  test('the cluster does not say its domain', async (t) => {
    const { [`${KUBE_SYSTEM}/configmaps/coredns`]: _, ...pages } = KUBEADM;
    const { file } = await cluster(t, { token: TOKEN }, pages);
    const { code, stdout, stderr } = await rendered([...IMAGE, '--kubeconfig', file]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /says the cluster's domain: give it by --domain/);
  });

  test('the token is another cluster’s', async (t) => {
    const { file } = await cluster(t, { token: 'another' });
    const { code, stderr } = await rendered([...IMAGE, '--kubeconfig', file]);
    assert.equal(code, 1);
    assert.match(stderr, /does not know who asks \(401\): log in again, or run `kubectl proxy`/);
  });

  const wrong: readonly [string, string, RegExp][] = [
    [
      'a placeholder of nobody’s',
      'a: __PILLAR__OTHER__',
      /stdin: nobody fills in __PILLAR__OTHER__/,
    ],
    [
      'a Corefile with a mistake',
      manifestText().replace('serve_stale 1h', 'serve_stail 1h'),
      /stdin:83:13: cache: unknown option .serve_stail./,
    ],
    ['no YAML', 'kind: ConfigMap\n\tdata: {', /stdin:2:1: /],
  ];
  for (const [what, input, pattern] of wrong) {
    test(what, async () => {
      const { code, stdout, stderr } = await rendered([...IMAGE, ...ALL, '-'], input);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, pattern);
    });
  }

  test('no such file', async () => {
    const { code, stderr } = await rendered([...IMAGE, ...ALL, '/nonexistent/manifest.yaml']);
    assert.deepEqual([code, /render: ENOENT/.test(stderr)], [1, true]);
  });
});
