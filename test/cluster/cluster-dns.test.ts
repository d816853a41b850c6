/** What a cluster says of its DNS, asked over TLS as kubeadm, EKS, RKE2, k3s and others have it. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { Api } from '../../src/cluster/api.ts';
import { findDomain, findKubeDns, findProxyMode } from '../../src/cluster/cluster-dns.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { CERTIFICATE } from '../upstream/support-certificate.ts';
import {
  type ApiPage,
  configMap,
  KUBE_SYSTEM,
  KUBEADM,
  service,
  startApi,
  status,
  TOKEN,
} from './api-server.ts';

const NOTHING = { cert: undefined, key: undefined, serverName: undefined, isVerified: true };
const LABELLED = `${KUBE_SYSTEM}/services?labelSelector=k8s-app%3Dkube-dns&limit=20`;

async function ask(
  t: TestContext,
  pages: Readonly<Record<string, ApiPage>>,
  { token = TOKEN, ca = CERTIFICATE, prefix = '', timeoutMs = DEADLINE_MS } = {},
): Promise<Api> {
  const { url } = await startApi(t, pages, prefix);
  const api = new Api({ server: new URL(url), tls: { ...NOTHING, ca }, token }, timeoutMs);
  t.after(() => api.close());
  return api;
}

test('of kubeadm’s cluster', async (t) => {
  const api = await ask(t, KUBEADM);
  assert.deepEqual(await findKubeDns(api), ['10.100.0.10']);
  assert.equal(await findDomain(api), 'k8s.example.org');
  assert.equal(await findProxyMode(api), 'iptables');
});

test('behind a path, as Rancher has it', async (t) => {
  const api = await ask(t, KUBEADM, { prefix: '/k8s/clusters/c-1' });
  assert.deepEqual(await findKubeDns(api), ['10.100.0.10']);
});

suite('kube-dns', () => {
  test('both families, each in its one spelling', async (t) => {
    const kubeDns = service('kube-dns', 'FD00:0:0::A', '10.96.0.10');
    const api = await ask(t, { [`${KUBE_SYSTEM}/services/kube-dns`]: kubeDns });
    assert.deepEqual(await findKubeDns(api), ['fd00::a', '10.96.0.10']);
  });

  test('by its label, and neither our own Service nor a headless one', async (t) => {
    const items = [
      service('kube-dns-upstream', '10.43.7.7'),
      service('headless', 'None'),
      service('rke2-coredns-rke2-coredns', '10.43.0.10'),
    ];
    const api = await ask(t, { [LABELLED]: { kind: 'ServiceList', items } });
    assert.deepEqual(await findKubeDns(api), ['10.43.0.10']);
  });

  test('there is none', async (t) => {
    const api = await ask(t, { [LABELLED]: { kind: 'ServiceList', items: [] } });
    await assert.rejects(findKubeDns(api), /no Service kube-dns in kube-system.*--dns-server/);
  });

  test('it may not be read', async (t) => {
    const message = 'services "kube-dns" is forbidden: User "me" cannot get resource';
    const api = await ask(t, { [`${KUBE_SYSTEM}/services/kube-dns`]: status(403, message) });
    await assert.rejects(findKubeDns(api), /is forbidden: User "me".*--dns-server/);
  });
});

suite('the domain', () => {
  const kubelet = {
    [`${KUBE_SYSTEM}/configmaps/kubelet-config`]: configMap({
      kubelet: 'clusterDomain: a.example\n',
    }),
  };
  const cases: readonly [string, Readonly<Record<string, ApiPage>>, string | undefined][] = [
    [
      'of RKE2',
      {
        [`${KUBE_SYSTEM}/configmaps/rke2-coredns-rke2-coredns`]: configMap({
          Corefile: '.:53 {\n kubernetes cluster.local. {\n }\n}\n',
        }),
      },
      'cluster.local',
    ],
    ['of the kubelets, where CoreDNS is not there', kubelet, 'a.example'],
    [
      'of the kubelets, where CoreDNS’s Corefile makes no sense',
      { ...kubelet, [`${KUBE_SYSTEM}/configmaps/coredns`]: configMap({ Corefile: '}' }) },
      'a.example',
    ],
    [
      'of the kubelets, where CoreDNS’s ConfigMap may not be read',
      { ...kubelet, [`${KUBE_SYSTEM}/configmaps/coredns`]: status(403, 'no') },
      'a.example',
    ],
    ['nobody says it', {}, undefined],
  ];
  for (const [what, pages, expected] of cases) {
    test(what, async (t) => assert.equal(await findDomain(await ask(t, pages)), expected));
  }
});

suite('kube-proxy', () => {
  const map = (name: string, key: string, text: string) => {
    return { [`${KUBE_SYSTEM}/configmaps/${name}`]: configMap({ [key]: text }) };
  };
  test('in IPVS mode', async (t) => {
    const api = await ask(t, map('kube-proxy', 'config.conf', 'mode: ipvs\n'));
    assert.equal(await findProxyMode(api), 'ipvs');
  });
  test('of EKS', async (t) => {
    const api = await ask(t, map('kube-proxy-config', 'config', 'mode: "nftables"\n'));
    assert.equal(await findProxyMode(api), 'nftables');
  });
  test('is not there', async (t) => assert.equal(await findProxyMode(await ask(t, {})), undefined));
  test('in a mode that no Linux has', async (t) => {
    const api = await ask(t, map('kube-proxy', 'config.conf', 'mode: kernelspace\n'));
    await assert.rejects(findProxyMode(api), /mode 'kernelspace': expected iptables/);
  });
});

suite('an API that does not answer as it should', () => {
  const KUBE_DNS = `${KUBE_SYSTEM}/services/kube-dns`;
  const cases: readonly [string, ApiPage, object, RegExp][] = [
    ['who asks is unknown', {}, { token: 'another' }, /does not know who asks \(401\): log in/],
    ['an authority that is another’s', {}, { ca: undefined }, /self.signed certificate/],
    ['an inner error', status(500, 'etcd is away'), {}, /status 500: etcd is away/],
    ['no JSON', '<html>', {}, /unexpected answer, status 200: <html>/],
    ['too much', 'x'.repeat(5 * 1024 * 1024), {}, /larger than 4 MiB/],
    ['silence', 'silence', { timeoutMs: 500 }, /no answer within 0\.5 s/],
  ];
  for (const [what, page, options, pattern] of cases) {
    test(what, async (t) => {
      const { url } = await startApi(t, { [KUBE_DNS]: page });
      const {
        token = TOKEN,
        ca,
        timeoutMs = DEADLINE_MS,
      } = { ca: CERTIFICATE, ...options } as {
        token?: string;
        ca: string | undefined;
        timeoutMs?: number;
      };
      const api = new Api({ server: new URL(url), tls: { ...NOTHING, ca }, token }, timeoutMs);
      t.after(() => api.close());
      await assert.rejects(findKubeDns(api), pattern);
    });
  }

  test('nobody listens', async (t) => {
    const access = {
      server: new URL('https://127.0.0.1:1'),
      tls: { ...NOTHING, ca: undefined },
      token: '',
    };
    const api = new Api(access, DEADLINE_MS);
    t.after(() => api.close());
    await assert.rejects(findKubeDns(api), /https:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/);
  });
});
