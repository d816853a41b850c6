/**
 * Pods as they reach admission, and what deploy/pod-dns.yaml makes of each: the DNS part of its spec, or nothing. Evaluated here by
 * pod-dns.test.ts, and by the API server's own code by test/deploy/apiserver.
 */

export interface PodSample {
  readonly name: string;
  readonly metadata?: object;
  /** Beside a container, and dnsPolicy ClusterFirst as the API server defaults it. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Of the ConfigMap, instead of the defaults below. */
  readonly params?: Readonly<Record<string, string>>;
  /** Undefined: the pod is left as it is. */
  readonly expected?: {
    readonly nameservers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly { readonly name: string; readonly value?: string }[];
  };
}

export const NAMESPACE = 'shop';

export const PARAMS: Readonly<Record<string, string>> = {
  nameservers: '169.254.20.10 10.96.0.10',
  options: 'ndots:5',
  searches: '',
  clusterDomain: 'cluster.local',
};

const SEARCHES = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const NDOTS = { name: 'ndots', value: '5' };
const USUAL = {
  nameservers: ['169.254.20.10', '10.96.0.10'],
  searches: SEARCHES,
  options: [NDOTS],
};

function affinity(key: string, values: string[], operator = 'In'): object {
  const terms = { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] };
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
}

export const SAMPLES: readonly PodSample[] = [
  { name: 'a plain pod', expected: USUAL },
  {
    name: 'labels, annotations, a node selector and a toleration of other things',
    metadata: { labels: { app: 'a' }, annotations: { 'example.org/a': 'disabled' } },
    spec: {
      nodeSelector: { 'kubernetes.io/os': 'linux', pool: 'general' },
      tolerations: [{ operator: 'Exists' }, { key: 'pool', operator: 'Exists' }],
      affinity: affinity('kubernetes.io/os', ['linux']),
      os: { name: 'linux' },
    },
    expected: USUAL,
  },
  {
    name: 'what must not be where something is, is no such place',
    spec: { affinity: affinity('kubernetes.io/os', ['windows'], 'NotIn') },
    expected: USUAL,
  },
  {
    name: 'the node’s own domains, behind the cluster’s',
    params: { searches: 'eu-west-1.compute.internal  corp.example.org' },
    expected: {
      ...USUAL,
      searches: [...SEARCHES, 'eu-west-1.compute.internal', 'corp.example.org'],
    },
  },
  {
    name: 'several options, one without a value',
    params: { options: 'ndots:2 timeout:1 edns0' },
    expected: {
      ...USUAL,
      options: [{ name: 'ndots', value: '2' }, { name: 'timeout', value: '1' }, { name: 'edns0' }],
    },
  },
  {
    name: 'three nameservers, and another domain',
    params: { nameservers: '169.254.20.10 fd00:53::10 10.96.0.10', clusterDomain: 'k8s.example' },
    expected: {
      nameservers: ['169.254.20.10', 'fd00:53::10', '10.96.0.10'],
      searches: ['shop.svc.k8s.example', 'svc.k8s.example', 'k8s.example'],
      options: [NDOTS],
    },
  },
  {
    name: 'a pod’s own options win, and its search paths come last',
    spec: {
      dnsConfig: {
        searches: ['own.example.org'],
        options: [{ name: 'ndots', value: '1' }, { name: 'use-vc' }],
      },
    },
    params: { options: 'ndots:5 timeout:1', searches: 'node.example.org' },
    expected: {
      ...USUAL,
      searches: [...SEARCHES, 'node.example.org', 'own.example.org'],
      options: [{ name: 'timeout', value: '1' }, { name: 'ndots', value: '1' }, { name: 'use-vc' }],
    },
  },
  { name: 'opted out', metadata: { annotations: { 'node-local-dns': 'disabled' } } },
  { name: 'hostNetwork', spec: { hostNetwork: true } },
  { name: 'dnsPolicy Default', spec: { dnsPolicy: 'Default' } },
  {
    name: 'dnsPolicy None',
    spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['192.0.2.1'] } },
  },
  {
    name: 'dnsPolicy ClusterFirstWithHostNet',
    spec: { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true },
  },
  { name: 'nameservers of its own', spec: { dnsConfig: { nameservers: ['192.0.2.1'] } } },
  {
    name: 'too many search paths of its own',
    spec: { dnsConfig: { searches: Array.from({ length: 17 }, (_, i) => `s${i}.example.org`) } },
  },
  {
    name: 'too long search paths of its own',
    spec: {
      dnsConfig: { searches: Array.from({ length: 9 }, () => `${'a'.repeat(60)}.`.repeat(2)) },
    },
  },
  { name: 'Windows by os', spec: { os: { name: 'windows' } } },
  { name: 'Windows by selector', spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } },
  {
    name: 'Windows by old selector',
    spec: { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } },
  },
  { name: 'Windows by affinity', spec: { affinity: affinity('kubernetes.io/os', ['windows']) } },
  { name: 'Fargate by scheduler', spec: { schedulerName: 'fargate-scheduler' } },
  { name: 'Fargate by label', metadata: { labels: { 'eks.amazonaws.com/fargate-profile': 'a' } } },
  {
    name: 'Fargate by selector',
    spec: { nodeSelector: { 'eks.amazonaws.com/compute-type': 'fargate' } },
  },
  {
    name: 'a hybrid node by affinity',
    spec: { affinity: affinity('eks.amazonaws.com/compute-type', ['ec2', 'hybrid']) },
  },
  { name: 'a virtual node by selector', spec: { nodeSelector: { type: 'virtual-kubelet' } } },
  {
    name: 'a virtual node by toleration',
    spec: { tolerations: [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }] },
  },
];

/** As it is sent to the API server, defaults filled in. */
export function podOf({ metadata, spec }: PodSample): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'sample', namespace: NAMESPACE, ...metadata },
    spec: {
      dnsPolicy: 'ClusterFirst',
      containers: [{ name: 'main', image: 'registry.example.com/main:1' }],
      ...spec,
    },
  };
}

export function paramsOf({ params }: PodSample): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'pod-dns', namespace: 'kube-system' },
    data: { ...PARAMS, ...params },
  };
}
