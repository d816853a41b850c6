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

function partsOf(objects: readonly KubernetesObject[]) {
  // biome-ignore lint/suspicious/noExplicitAny: what is changed is no longer read-only.
  const daemonSet = objectNamed(objects, 'DaemonSet', 'node-local-dns') as any;
  const pod = daemonSet.spec.template.spec;
  return { daemonSet, pod, container: pod.containers[0] };
}

/** In one order: the tools sort objects, and patched lists of volumes, by their own rules. */
export function inOrder(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  for (const { kind, spec } of objects) {
    if (kind === 'DaemonSet') spec.template.spec.volumes.sort(byName);
  }
  return objects.toSorted((a, b) =>
    `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`),
  );
}
