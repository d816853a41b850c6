/**
 * Namespaces, links, addresses and routes of a lab; no rules and no servers. A bridge in a namespace of its own is the
 * network; nothing leads from it to the machine.
 */
import { run } from './commands.ts';
import type { Namespaces } from './namespaces.ts';
import {
  type Addresses,
  gatewayAddresses,
  KUBE_DNS,
  NETWORK_GATEWAY,
  NODE_RESOLV_CONF,
  nodeAddresses,
  PREFIX_LENGTH,
  podAddresses,
  podNetwork,
  podResolvConf,
  REPLICAS,
  VPC_RESOLVER,
} from './topology.ts';

export interface Size {
  readonly nodes: number;
  readonly podsPerNode: number;
}

/** Addresses are usable at once, packets are forwarded, and a reply may take another way than its query. */
const SETTINGS = [
  'net/ipv4/ip_forward=1',
  'net/ipv4/conf/all/rp_filter=0',
  'net/ipv4/conf/default/rp_filter=0',
  'net/ipv6/conf/all/disable_ipv6=0',
  'net/ipv6/conf/default/disable_ipv6=0',
  'net/ipv6/conf/all/forwarding=1',
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv6/conf/default/dad_transmits=0',
];

/** Arguments: path, value, path, value, ...; standard input: what `ip` shall do. */
const SET_UP = 'while [ $# -gt 0 ]; do echo "$2" > "/proc/sys/$1"; shift 2; done; exec ip -batch -';

export const roleOf = {
  network: 'net',
  vpc: 'vpc',
  replica: (number: number) => `dns${number}`,
  node: (number: number) => `n${number}`,
  pod: (node: number, number: number) => `n${node}p${number}`,
};

/** Numbers from 1 to `count`. */
export function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Leaves the rest of a half-built fabric to `Namespaces.remove`. */
export async function buildFabric(namespaces: Namespaces, size: Size): Promise<void> {
  const nodes = numbered(size.nodes);
  const pods = numbered(size.podsPerNode);
  const members = new Map<string, Addresses>([
    [roleOf.vpc, VPC_RESOLVER],
    ...REPLICAS.map((address, index) => [roleOf.replica(index + 1), address] as const),
    ...nodes.map((node) => [roleOf.node(node), nodeAddresses(node)] as const),
  ]);
  const podRoles = nodes.flatMap((node) => pods.map((pod) => roleOf.pod(node, pod)));
  await namespaces.create([roleOf.network, ...members.keys(), ...podRoles]);
  await setUp(namespaces, roleOf.network, networkLinks(namespaces, [...members.keys()]));
  await each([...members], async ([role, addresses]) => {
    const isNode = role.startsWith('n');
    const routes = isNode ? [] : nodes.flatMap((node) => podRoutes(node));
    const links = isNode ? podLinks(namespaces, Number(role.slice(1)), pods) : [];
    const others = nodes.filter((node) => isNode && role !== roleOf.node(node)).flatMap(podRoutes);
    await setUp(namespaces, role, [...memberLink(addresses), ...routes, ...others, ...links]);
    namespaces.writeResolvConf(role, NODE_RESOLV_CONF);
  });
  await each(podRoles, async (role) => {
    const [, node, pod] = /^n(\d+)p(\d+)$/.exec(role)!;
    await setUp(namespaces, role, podLink(Number(node), Number(pod)));
    namespaces.writeResolvConf(role, podResolvConf(KUBE_DNS.v4));
  });
}

/** A few at a time: each starts processes. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(numbered(4).map(worker));
}

async function setUp(
  namespaces: Namespaces,
  role: string,
  lines: readonly string[],
): Promise<void> {
  const command = ['ip', 'netns', 'exec', namespaces.nameOf(role), 'sh', '-c', SET_UP, 'sh'];
  const input = `link set lo up\n${lines.join('\n')}\n`;
  await run([...command, ...SETTINGS.flatMap((each) => each.split('='))], { input });
}

function networkLinks(namespaces: Namespaces, members: readonly string[]): string[] {
  return [
    'link add br0 type bridge mcast_snooping 0',
    `address add ${NETWORK_GATEWAY.v4}/${PREFIX_LENGTH.v4} dev br0`,
    `address add ${NETWORK_GATEWAY.v6}/${PREFIX_LENGTH.v6} dev br0 nodad`,
    'link set br0 up',
    ...members.flatMap((role) => [
      `link add ${role} type veth peer name eth0 netns ${namespaces.nameOf(role)}`,
      `link set ${role} master br0 up`,
    ]),
  ];
}

/** The default route leads to the network, which knows nothing beyond itself; cluster addresses need one to be routed by. */
function memberLink({ v4, v6 }: Addresses): string[] {
  return [
    `address add ${v4}/${PREFIX_LENGTH.v4} dev eth0`,
    `address add ${v6}/${PREFIX_LENGTH.v6} dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${NETWORK_GATEWAY.v4}`,
    `route add default via ${NETWORK_GATEWAY.v6}`,
  ];
}

function podRoutes(node: number): string[] {
  const network = podNetwork(node);
  const via = nodeAddresses(node);
  return [`route add ${network.v4} via ${via.v4}`, `route add ${network.v6} via ${via.v6}`];
}

function podLinks(namespaces: Namespaces, node: number, pods: readonly number[]): string[] {
  const gateway = gatewayAddresses(node);
  return pods.flatMap((pod) => {
    const { v4, v6 } = podAddresses(node, pod);
    return [
      `link add pod${pod} type veth peer name eth0 netns ${namespaces.nameOf(roleOf.pod(node, pod))}`,
      `address add ${gateway.v4}/32 dev pod${pod}`,
      `address add ${gateway.v6}/128 dev pod${pod} nodad`,
      `link set pod${pod} up`,
      `route add ${v4}/32 dev pod${pod}`,
      `route add ${v6}/128 dev pod${pod}`,
    ];
  });
}

function podLink(node: number, pod: number): string[] {
  const { v4, v6 } = podAddresses(node, pod);
  const gateway = gatewayAddresses(node);
  return [
    `address add ${v4}/32 dev eth0`,
    `address add ${v6}/128 dev eth0 nodad`,
    'link set eth0 up',
    `route add ${gateway.v4}/32 dev eth0`,
    `route add default via ${gateway.v4} dev eth0`,
    `route add ${gateway.v6}/128 dev eth0`,
    `route add default via ${gateway.v6} dev eth0`,
  ];
}
