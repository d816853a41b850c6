/**
 * Who is where in the lab: addresses as data, no effect. README.md has the drawing.
 */

/** Both families, since pods and services have both. */
export interface Addresses {
  readonly v4: string;
  readonly v6: string;
}

export type Family = keyof Addresses;

/** Those of `-localip`: the link-local one, its IPv6 sibling (a ULA, since fe80::/10 needs a zone), and kube-dns. */
export const LINK_LOCAL: Addresses = { v4: '169.254.20.10', v6: 'fd00:20::10' };
export const KUBE_DNS: Addresses = { v4: '10.96.0.10', v6: 'fd00:10:96::a' };
/** A second Service for the same pods, by which a node's cache passes its own interception. */
export const KUBE_DNS_UPSTREAM: Addresses = { v4: '10.96.0.11', v6: 'fd00:10:96::b' };

/** As in an AWS VPC: the second address of the network. */
export const VPC_RESOLVER: Addresses = { v4: '10.77.0.2', v6: 'fd00:77::2' };
/** Pods of kube-dns; each has an interface of its own on the network. */
export const REPLICAS: readonly Addresses[] = [
  { v4: '10.77.0.101', v6: 'fd00:77::101' },
  { v4: '10.77.0.102', v6: 'fd00:77::102' },
];

/** Of the network; it knows nothing beyond it. */
export const NETWORK_GATEWAY: Addresses = { v4: '10.77.0.1', v6: 'fd00:77::ffff' };

export const PREFIX_LENGTH: Readonly<Record<Family, number>> = { v4: 16, v6: 64 };
export const POD_CIDR: Addresses = { v4: '10.244.0.0/16', v6: 'fd00:10:244::/48' };

/** Counted from 1. */
export function nodeAddresses(node: number): Addresses {
  return { v4: `10.77.1.${node}`, v6: `fd00:77::1:${node}` };
}

export function podAddresses(node: number, pod: number): Addresses {
  return { v4: `10.244.${node}.${pod + 1}`, v6: `fd00:10:244:${node}::${pod + 1}` };
}

/** The node's end of each pod's link, which is the pod's gateway. */
export function gatewayAddresses(node: number): Addresses {
  return { v4: `10.244.${node}.1`, v6: `fd00:10:244:${node}::1` };
}

export function podNetwork(node: number): Addresses {
  return { v4: `10.244.${node}.0/24`, v6: `fd00:10:244:${node}::/64` };
}

/** The domain that a cloud's DHCP gives to nodes; the kubelet appends it to every pod's search path. */
export const NODE_DOMAIN = 'eu-west-1.compute.internal';

export const SEARCH = [
  'default.svc.cluster.local',
  'svc.cluster.local',
  'cluster.local',
  NODE_DOMAIN,
] as const;

/** What the kubelet writes for a pod with `dnsPolicy: ClusterFirst`. */
export function podResolvConf(server: string, search: readonly string[] = SEARCH): string {
  return `nameserver ${server}\nsearch ${search.join(' ')}\noptions ndots:5\n`;
}

export const NODE_RESOLV_CONF = `nameserver ${VPC_RESOLVER.v4}\nsearch ${NODE_DOMAIN}\n`;
