/** What the ways to deploy change in the manifest: kustomize's overlays, and the chart's values of the same meaning. */
import { type KubernetesObject, objectNamed } from './manifest.ts';

/** What each overlay changes, on a copy of the manifest's objects. */
export const CHANGES: Readonly<
  Record<string, (objects: KubernetesObject[]) => KubernetesObject[]>
> = {
  base: (objects) => objects,
  iptables: (objects) => {
    const { container } = partsOf(objects);
    container.securityContext.capabilities.add.push('NET_RAW');
    container.args.push('-interception=iptables');
    return objects;
  },
  nftables: (objects) => {
    const { container, pod } = partsOf(objects);
    container.args.push('-interception=nft');
    const isOther = ({ name }: { name: string }) => name !== 'xtables-lock';
    container.volumeMounts = container.volumeMounts.filter(isOther);
    pod.volumes = pod.volumes.filter(isOther);
    return objects;
  },
  ipvs: (objects) => {
    partsOf(objects).container.args[1] = '169.254.20.10';
    return objects;
  },
  eks: (objects) => {
    const computeType = {
      key: 'eks.amazonaws.com/compute-type',
      operator: 'NotIn',
      values: ['fargate', 'hybrid'],
    };
    partsOf(objects).pod.affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [computeType] }],
        },
      },
    };
    return objects;
  },
  cilium: (objects) => {
    const { container, pod } = partsOf(objects);
    container.args[1] = '127.0.0.1';
    container.args.push('-setupinterface=false', '-setupiptables=false');
    container.ports = [
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
      { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
    ];
    container.securityContext.capabilities.add = ['NET_BIND_SERVICE'];
    delete container.livenessProbe.httpGet.host;
    delete container.readinessProbe.httpGet.host;
    delete pod.hostNetwork;
    const isOther = ({ name }: { name: string }) => name !== 'xtables-lock';
    container.volumeMounts = container.volumeMounts.filter(isOther);
    pod.volumes = pod.volumes.filter(isOther);
    changeCorefile(objects, (corefile) =>
      corefile
        .replaceAll('bind 169.254.20.10 10.96.0.10', 'bind 0.0.0.0')
        .replace('health 169.254.20.10:8080', 'health :8080'),
    );
    const kept = objects.filter(({ metadata }) => metadata.name !== 'kube-dns-endpoints');
    return [...kept, LOCAL_REDIRECT];
  },
  'dual-stack': (objects) => {
    const addresses = ['169.254.20.10', 'fd00:53::10', '10.96.0.10', 'fd00:10:96::a'];
    partsOf(objects).container.args[1] = addresses.join(',');
    changeCorefile(objects, (corefile) =>
      corefile.replaceAll('bind 169.254.20.10 10.96.0.10', `bind ${addresses.join(' ')}`),
    );
    for (const { kind, metadata, spec } of objects) {
      const isOfKubeDns = kind === 'Service' && metadata.name.startsWith('kube-dns-');
      if (isOfKubeDns) spec.ipFamilyPolicy = 'PreferDualStack';
    }
    return objects;
  },
  canary: (objects) => {
    const { daemonSet, pod } = partsOf(objects);
    const name = 'node-local-dns-zerohop';
    daemonSet.metadata.name = name;
    daemonSet.metadata.labels['k8s-app'] = name;
    daemonSet.spec.selector.matchLabels['k8s-app'] = name;
    daemonSet.spec.template.metadata.labels['k8s-app'] = name;
    pod.nodeSelector['dns-cache'] = 'zerohop';
    return [objectNamed(objects, 'Service', 'kube-dns-endpoints'), daemonSet];
  },
};

/** What Cilium is told: kube-dns's queries to the cache's pod of the node. */
const LOCAL_REDIRECT: KubernetesObject = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumLocalRedirectPolicy',
  metadata: { name: 'node-local-dns', namespace: 'kube-system' },
  spec: {
    redirectFrontend: { serviceMatcher: { serviceName: 'kube-dns', namespace: 'kube-system' } },
    redirectBackend: {
      localEndpointSelector: { matchLabels: { 'k8s-app': 'node-local-dns' } },
      toPorts: [
        { name: 'dns', port: '53', protocol: 'UDP' },
        { name: 'dns-tcp', port: '53', protocol: 'TCP' },
      ],
    },
  },
};

function changeCorefile(
  objects: readonly KubernetesObject[],
  change: (corefile: string) => string,
): void {
  // biome-ignore lint/suspicious/noExplicitAny: what is changed is no longer read-only.
  const { data } = objectNamed(objects, 'ConfigMap', 'node-local-dns') as any;
  data.Corefile = change(data.Corefile);
}

function partsOf(objects: readonly KubernetesObject[]) {
  // biome-ignore lint/suspicious/noExplicitAny: what is changed is no longer read-only.
  const daemonSet = objectNamed(objects, 'DaemonSet', 'node-local-dns') as any;
  const pod = daemonSet.spec.template.spec;
  return { daemonSet, pod, container: pod.containers[0] };
}

/**
 * In one order: the tools sort objects, and patched lists of volumes, by their own rules. A text that kustomize patches loses the line
 * break at its end.
 */
export function inOrder(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  for (const { kind, spec, data } of objects) {
    if (data !== undefined) Object.assign(data, { Corefile: data['Corefile']?.trimEnd() });
    if (kind === 'DaemonSet') spec.template.spec.volumes.sort(byName);
  }
  return objects.toSorted((a, b) =>
    `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`),
  );
}
