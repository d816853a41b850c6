/**
 * The cluster that the stand-in pretends to serve: namespaces, services and endpoints, chosen so that each shape that
 * kube-dns can answer with is there once. Addresses are those of a stock kubeadm cluster; the data is fixed, because
 * tests and examples name it.
 */

export interface ServicePort {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

export interface ServiceEndpoint {
  readonly address: string;
  /** The pod's `hostname`, as a StatefulSet sets it; without it the name is the address with dashes. */
  readonly hostname?: string;
}

export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** Empty: headless, or an ExternalName. */
  readonly clusterIps: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly endpoints: readonly ServiceEndpoint[];
  readonly externalName?: string;
}

export const CLUSTER_DOMAIN = 'cluster.local';
export const KUBE_DNS_IP = '10.96.0.10';

/** `empty` has no service: its name is NODATA, names below it are NXDOMAIN. */
export const NAMESPACES: readonly string[] = ['default', 'kube-system', 'empty'];

const HTTP: ServicePort = { name: 'http', protocol: 'tcp', port: 80 };

function addresses(count: number, prefix: string): ServiceEndpoint[] {
  return Array.from({ length: count }, (_, index) => ({ address: `${prefix}.${index + 1}` }));
}

function headless(
  name: string,
  endpoints: readonly ServiceEndpoint[],
  ports: readonly ServicePort[],
): Service {
  return { namespace: 'default', name, clusterIps: [], ports, endpoints };
}

function external(name: string, externalName: string): Service {
  return { ...headless(name, [], []), externalName };
}

export const SERVICES: readonly Service[] = [
  {
    namespace: 'default',
    name: 'kubernetes',
    clusterIps: ['10.96.0.1'],
    ports: [{ name: 'https', protocol: 'tcp', port: 443 }],
    endpoints: [{ address: '192.0.2.10' }],
  },
  {
    namespace: 'kube-system',
    name: 'kube-dns',
    clusterIps: [KUBE_DNS_IP],
    ports: [
      { name: 'dns', protocol: 'udp', port: 53 },
      { name: 'dns-tcp', protocol: 'tcp', port: 53 },
      { name: 'metrics', protocol: 'tcp', port: 9153 },
    ],
    endpoints: [{ address: '10.244.0.2' }, { address: '10.244.0.3' }],
  },
  {
    namespace: 'default',
    name: 'web',
    clusterIps: ['10.96.1.1', 'fd00:10:96::1:1'],
    ports: [HTTP],
    endpoints: [{ address: '10.244.1.1' }, { address: 'fd00:10:244::1:1' }],
  },
  headless(
    'db',
    ['db-0', 'db-1', 'db-2'].map((hostname, index) => ({
      hostname,
      address: `10.244.2.${index + 1}`,
    })),
    [{ name: 'postgres', protocol: 'tcp', port: 5432 }],
  ),
  headless('peers', [{ address: '10.244.3.1' }, { address: 'fd00:10:244::3:1' }], [HTTP]),
  headless('thirty', addresses(30, '10.244.30'), [HTTP]),
  headless('two-hundred', addresses(200, '10.244.200'), [HTTP]),
  external('outside', 'www.example.org'),
  external('inside', 'kubernetes.default.svc.cluster.local'),
  external('nowhere', 'missing.example.org'),
];
