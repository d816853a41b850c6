/**
 * What a cluster says of its DNS: kube-dns's ClusterIPs, the domain, and how kube-proxy works. Each is looked for where the
 * distributions have it, and what is not there or not to be read is said, with the option that gives it.
 */
import { parse } from 'yaml';
import { CorefileError } from '../corefile/ast.ts';
import type { FileSource } from '../corefile/file-source.ts';
import { parseCorefile } from '../corefile/parser.ts';
import { canonicalAddress } from '../directives/address.ts';
import { ClusterError } from './access.ts';
import type { Api, ApiAnswer, ApiObject } from './api.ts';

export type ProxyMode = 'iptables' | 'nftables' | 'ipvs';

const NAMESPACE = '/api/v1/namespaces/kube-system';
/** Ours: it has kube-dns's label too, and is not whom pods ask. */
const OWN_SERVICE = 'kube-dns-upstream';
const LABELLED = `${NAMESPACE}/services?labelSelector=k8s-app%3Dkube-dns&limit=20`;
/** CoreDNS's Corefile: of kubeadm, EKS, AKS, k3s; of RKE2. */
const COREFILE_MAPS = ['coredns', 'rke2-coredns-rke2-coredns'];
/** kube-proxy's configuration and its key: of kubeadm and kubespray; of EKS. */
const PROXY_MAPS = { 'kube-proxy': 'config.conf', 'kube-proxy-config': 'config' };
const PROXY_MODES: readonly string[] = ['iptables', 'nftables', 'ipvs'];
/** `import` of files that only CoreDNS's pods have. */
const NO_FILES: FileSource = {
  read: () => ({ code: 'failed', reason: 'not in the ConfigMap' }),
  glob: () => [],
};

/** Of the Service kube-dns, its first family first; throws a `ClusterError` where there is none. */
export async function findKubeDns(api: Api): Promise<string[]> {
  const answer = await api.get(`${NAMESPACE}/services/kube-dns`);
  const list = answer.code === 'missing' ? await api.get(LABELLED) : answer;
  if (list.code === 'forbidden') {
    throw new ClusterError(
      `kube-dns's ClusterIP: ${list.reason}: give it by --dns-server, or let who asks get Services of kube-system`,
    );
  }
  for (const service of servicesIn(list)) {
    const addresses = addressesOf(service);
    if (service['metadata']?.name !== OWN_SERVICE && addresses.length > 0) return addresses;
  }
  throw new ClusterError(
    'no Service kube-dns in kube-system, and none with the label k8s-app=kube-dns, has a ClusterIP: give it by --dns-server',
  );
}

/** Undefined where no ConfigMap says it, or none may be read. */
export async function findDomain(api: Api): Promise<string | undefined> {
  for (const name of COREFILE_MAPS) {
    const corefile = dataOf(await api.get(`${NAMESPACE}/configmaps/${name}`), 'Corefile');
    const domain = corefile === undefined ? undefined : domainIn(name, corefile);
    if (domain !== undefined) return domain;
  }
  const kubelet = dataOf(await api.get(`${NAMESPACE}/configmaps/kubelet-config`), 'kubelet');
  const domain = fieldIn(kubelet, 'clusterDomain');
  return typeof domain === 'string' && domain !== '' ? domain : undefined;
}

/** Undefined where no ConfigMap says it, or none may be read: kube-proxy is configured elsewhere, or something takes its place. */
export async function findProxyMode(api: Api): Promise<ProxyMode | undefined> {
  for (const [name, key] of Object.entries(PROXY_MAPS)) {
    const config = dataOf(await api.get(`${NAMESPACE}/configmaps/${name}`), key);
    if (config === undefined) continue;
    const mode = fieldIn(config, 'mode') || 'iptables';
    if (PROXY_MODES.includes(String(mode))) return mode as ProxyMode;
    throw new ClusterError(
      `ConfigMap ${name}: mode '${mode}': expected ${PROXY_MODES.join(', ')}: give one by --mode`,
    );
  }
  return undefined;
}

function servicesIn(answer: ApiAnswer): readonly ApiObject[] {
  if (answer.code !== 'found') return [];
  const { items } = answer.object;
  return Array.isArray(items) ? items : [answer.object];
}

function addressesOf({ spec }: ApiObject): string[] {
  const listed: unknown[] = Array.isArray(spec?.clusterIPs) ? spec.clusterIPs : [spec?.clusterIP];
  const addresses = listed.map((text) => canonicalAddress(String(text)));
  return addresses.filter((address) => address !== undefined);
}

function dataOf(answer: ApiAnswer, key: string): string | undefined {
  const text = answer.code === 'found' ? answer.object['data']?.[key] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** The first zone of `kubernetes` that is not a reverse one. */
function domainIn(name: string, corefile: string): string | undefined {
  try {
    const blocks = parseCorefile(corefile, { file: name, environment: {}, files: NO_FILES });
    const lines = blocks.flatMap(({ directives }) => directives);
    const zones = lines
      .filter((line) => line.name.text === 'kubernetes')
      .flatMap(({ args }) => args.map(({ text }) => text.replace(/\.$/, '')));
    return zones.find((zone) => zone !== '' && !zone.endsWith('.arpa'));
  } catch (error) {
    if (error instanceof CorefileError) return undefined;
    throw error;
  }
}

function fieldIn(yaml: string | undefined, name: string): unknown {
  if (yaml === undefined) return undefined;
  try {
    return parse(yaml)?.[name];
  } catch {
    return undefined;
  }
}
