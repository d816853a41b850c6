/**
 * What kube-proxy leaves in a node's kernel for the two Services of kube-dns: in its iptables mode (into the tables of
 * iptables-nft or of iptables-legacy) and in its nftables mode; chains, comments and marks are named as it names them, because
 * tools find out by them which mode a node uses.
 */
import {
  type Addresses,
  type Family,
  KUBE_DNS,
  KUBE_DNS_UPSTREAM,
  POD_CIDR,
  REPLICAS,
} from './topology.ts';

export type ProxyMode = 'iptables' | 'iptables-legacy' | 'nftables';

/** A command for the node, and its standard input. */
export interface Step {
  readonly command: readonly string[];
  readonly input: string;
}

const FAMILIES: readonly Family[] = ['v4', 'v6'];

interface ServicePort {
  readonly name: string;
  readonly address: Addresses;
  readonly protocol: 'udp' | 'tcp';
  /** Of its chains; kube-proxy makes 16 letters from the name. */
  readonly id: string;
}

const PORTS: readonly ServicePort[] = [
  { name: 'kube-system/kube-dns:dns', address: KUBE_DNS, protocol: 'udp', id: 'TCOU7JCQXEZGVUNU' },
  {
    name: 'kube-system/kube-dns:dns-tcp',
    address: KUBE_DNS,
    protocol: 'tcp',
    id: 'ERIFXISQEP7F7OF4',
  },
  {
    name: 'kube-system/kube-dns-upstream:dns',
    address: KUBE_DNS_UPSTREAM,
    protocol: 'udp',
    id: 'QZ3LEYHPTRCBWD6A',
  },
  {
    name: 'kube-system/kube-dns-upstream:dns-tcp',
    address: KUBE_DNS_UPSTREAM,
    protocol: 'tcp',
    id: 'M5GNSVX2UKFOJI7T',
  },
];

export function kubeProxySteps(mode: ProxyMode): Step[] {
  const endpoints = REPLICAS;
  if (mode === 'nftables') {
    const tables = FAMILIES.map((family) => nftTable(family, endpoints));
    return [{ command: ['nft', '-f', '-'], input: tables.join('') }];
  }
  const variant = mode === 'iptables' ? 'nft' : 'legacy';
  return FAMILIES.map((family) => {
    const program = `${family === 'v4' ? 'iptables' : 'ip6tables'}-${variant}-restore`;
    const command = [program, '--noflush', '-w', '5'];
    return { command, input: iptablesTables(family, endpoints) };
  });
}

/** The kubelet's canary stands with kube-proxy's chains: tools look for it. */
function iptablesTables(family: Family, endpoints: readonly Addresses[]): string {
  const chains = PORTS.flatMap(({ id }) => [
    `KUBE-SVC-${id}`,
    ...endpoints.map((_, index) => `KUBE-SEP-${index}${id.slice(1)}`),
  ]);
  const lines = [
    '*mangle',
    ':KUBE-KUBELET-CANARY - [0:0]',
    ':KUBE-PROXY-CANARY - [0:0]',
    ':KUBE-IPTABLES-HINT - [0:0]',
    'COMMIT',
    '*nat',
    ...['KUBE-SERVICES', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ', ...chains].map(
      (chain) => `:${chain} - [0:0]`,
    ),
    ...portals(),
    ...PORTS.flatMap((port) => servicePortRules(port, family, endpoints)),
    'COMMIT',
  ];
  return `${lines.join('\n')}\n`;
}

function portals(): string[] {
  const portal = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
  const post = '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING';
  const ifAbsent = ['PREROUTING', 'OUTPUT'].map((chain) => `-A ${chain} ${portal}`);
  return [
    ...ifAbsent,
    `-A POSTROUTING ${post}`,
    '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000',
    '-A KUBE-POSTROUTING -j MASQUERADE --random-fully',
  ];
}

function servicePortRules(
  { name, address, protocol, id }: ServicePort,
  family: Family,
  endpoints: readonly Addresses[],
): string[] {
  const service = `KUBE-SVC-${id}`;
  const to = `-d ${address[family]} -p ${protocol} -m ${protocol} --dport 53`;
  const comment = (text: string) => `-m comment --comment "${text}"`;
  const rules = [
    `-A KUBE-SERVICES ${to} ${comment(`${name} cluster IP`)} -j ${service}`,
    `-A ${service} ! -s ${POD_CIDR[family]} ${to} ${comment(`${name} cluster IP`)} -j KUBE-MARK-MASQ`,
  ];
  endpoints.forEach((endpoint, index) => {
    const chain = `KUBE-SEP-${index}${id.slice(1)}`;
    const ip = endpoint[family];
    const left = endpoints.length - index;
    const dice = left > 1 ? `-m statistic --mode random --probability ${1 / left}` : '';
    rules.push(
      `-A ${service} ${comment(`${name} -> ${ip}:53`)} ${dice} -j ${chain}`,
      `-A ${chain} -s ${ip} ${comment(name)} -j KUBE-MARK-MASQ`,
      `-A ${chain} -p ${protocol} ${comment(name)} -m ${protocol} -j DNAT --to-destination ${hostPort(ip)}`,
    );
  });
  return rules;
}

function nftTable(family: Family, endpoints: readonly Addresses[]): string {
  const ip = family === 'v4' ? 'ip' : 'ip6';
  const services = PORTS.map(
    ({ address, protocol, id }) => `    ${address[family]} . ${protocol} . 53 : goto service-${id}`,
  );
  const chains = PORTS.map(({ address, protocol, id }) => {
    const choices = endpoints.map((_, index) => `${index} : goto endpoint-${index}-${id}`);
    const ends = endpoints.map(
      (endpoint, index) => `  chain endpoint-${index}-${id} {
    ${ip} saddr ${endpoint[family]} jump mark-for-masquerade
    meta l4proto ${protocol} dnat to ${hostPort(endpoint[family])}
  }
`,
    );
    return `${ends.join('')}  chain service-${id} {
    ${ip} daddr ${address[family]} ${protocol} dport 53 ${ip} saddr != ${POD_CIDR[family]} jump mark-for-masquerade
    numgen random mod ${endpoints.length} vmap { ${choices.join(', ')} }
  }
`;
  });
  return `table ${ip} kube-proxy {
  comment "rules for kube-proxy"
  chain mark-for-masquerade {
    meta mark set meta mark or 0x4000
  }
${chains.join('')}  map service-ips {
    type ${family === 'v4' ? 'ipv4' : 'ipv6'}_addr . inet_proto . inet_service : verdict
    elements = {
${services.join(',\n')}
    }
  }
  chain services {
    ${ip} daddr . meta l4proto . th dport vmap @service-ips
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x4000 == 0 return
    meta mark set meta mark xor 0x4000
    masquerade fully-random
  }
}
`;
}

function hostPort(ip: string): string {
  return ip.includes(':') ? `[${ip}]:53` : `${ip}:53`;
}
