/**
 * Our table of nf_tables as text for `nft -f -`, and what `nft list` prints of it. Blocks are written with line breaks: nft
 * 1.0.6 rejects a chain on one line. Addresses are elements of sets, so that the rules are the same on every node.
 *
 *     prerouting, output  raw      to us, leased: un-tracked; from us: un-tracked
 *     standby_*           nat      to our own addresses while the lease is out: to kube-dns
 *
 * A base chain that accepts decides for itself alone, so accepting in this table would let nothing in that another table drops:
 * that is drop-chains.ts's. TCP connections stay with whom they began: the first segment of one that the lease brings here is
 * noted in a set, and only what is in there is un-tracked. So a connection to kube-dns survives that the lease is given, and one
 * to us can be answered and closed after it is out.
 */
import type { FallbackEndpoint } from './interception.ts';
import { type Family, familyOf } from './rules.ts';

export const TABLE = 'zerohop';
export const leaseSet = (family: Family) => `lease${family}`;
export const addressSet = (family: Family) => `address${family}`;
export const standBySet = (family: Family) => `own${family}`;
const flowSet = (family: Family) => `flow${family}`;
const endpointChain = (family: Family) => `standby${family}`;

/** What this kernel can do. */
export interface NftAbility {
  readonly hasLease: boolean;
  readonly hasStandBy: boolean;
  /** TCP connections stay with whom they began. */
  readonly hasFlows: boolean;
}

export interface NftOptions {
  readonly addresses: readonly string[];
  readonly standByAddresses: readonly string[];
  readonly dnsPort: number;
  readonly healthPort: number;
  readonly fallback: readonly FallbackEndpoint[];
}

/**
 * Connections kept in mind, and for how many seconds after their last segment: far above the 10 s after which servers close
 * idle ones. When the set is full a new connection goes to kube-dns. 65,536 of IPv4 take 8 MB of kernel memory.
 */
const FLOWS_MAX = 65_536;
const FLOW_IDLE_S = 120;

/** After kube-proxy's translation (-100 and 100), so that ours is for what nobody else translates. */
const STANDBY_PRIORITY = -90;
const STANDBY_POSTROUTING_PRIORITY = 110;
const RAW_PRIORITY = -300;

const FAMILIES = [4, 6] as const;

interface Block {
  readonly name: string;
  /** What a set or a base chain is. */
  readonly declaration: readonly string[];
  readonly rules: readonly string[];
}

/** Puts everything in place in one transaction, over whatever of it is there; elements stay. */
export function installText(options: NftOptions, ability: NftAbility): string {
  const sets = setBlocks(ability);
  const chains = chainBlocks(options, ability);
  const declarations = [...sets, ...chains].map(({ name, declaration }) =>
    block(name, declaration),
  );
  const flushes = chains.map(({ name }) => `flush ${name.replace(' ', ` inet ${TABLE} `)}`);
  const rules = chains.map(({ name, rules }) => block(name, rules));
  return [table(declarations), ...flushes, table(rules), ...elementLines(options), ''].join('\n');
}

/** Deletes the table, if it is there. */
export function removeText(): string {
  return `table inet ${TABLE} {\n}\ndelete table inet ${TABLE}\n`;
}

/** Fills the chains of kube-dns's endpoints anew. */
export function fallbackText(fallback: readonly FallbackEndpoint[]): string {
  const chains = FAMILIES.map((family) => endpointBlock(family, fallback));
  return [
    ...chains.map(({ name }) => `flush ${name.replace(' ', ` inet ${TABLE} `)}`),
    table(chains.map(({ name, rules }) => block(name, rules))),
    '',
  ].join('\n');
}

/** Renews leases without netlink. */
export function renewText(addresses: readonly string[], timeoutS: number | undefined): string {
  const timeout = timeoutS === undefined ? '' : ` timeout ${timeoutS}s`;
  return addresses
    .map((address) => {
      const target = `element inet ${TABLE} ${leaseSet(familyOf(address))}`;
      const added = `add ${target} { ${address}${timeout} }`;
      return `${added}\ndelete ${target} { ${address} }\n${added}\n`;
    })
    .join('');
}

export function endText(addresses: readonly string[]): string {
  return addresses
    .map((address) => {
      const target = `element inet ${TABLE} ${leaseSet(familyOf(address))} { ${address} }`;
      return `add ${target}\ndelete ${target}\n`;
    })
    .join('');
}

function setBlocks({ hasLease, hasFlows }: NftAbility): Block[] {
  return FAMILIES.flatMap((family) => {
    const type = family === 6 ? 'ipv6_addr' : 'ipv4_addr';
    const set = (name: string, ...lines: string[]) => {
      return { name: `set ${name}`, declaration: lines, rules: [] };
    };
    const flow = set(
      flowSet(family),
      `type ${type} . inet_service . ${type}`,
      `size ${FLOWS_MAX}`,
      'flags dynamic,timeout',
      `timeout ${FLOW_IDLE_S}s`,
    );
    return [
      set(leaseSet(family), `type ${type}`, ...(hasLease ? ['flags timeout'] : [])),
      set(addressSet(family), `type ${type}`),
      set(standBySet(family), `type ${type}`),
      ...(hasFlows ? [flow] : []),
    ];
  });
}

function chainBlocks(options: NftOptions, { hasStandBy, hasFlows }: NftAbility): Block[] {
  const { dnsPort, healthPort, fallback } = options;
  const both = (rulesOf: (family: Family, ip: string) => string[]) =>
    FAMILIES.flatMap((family) => rulesOf(family, family === 6 ? 'ip6' : 'ip'));
  const hook = (type: string, point: string, priority: number) => [
    `type ${type} hook ${point} priority ${priority}; policy accept;`,
  ];
  const toward = both((family, ip) => towardRules(family, ip, { dnsPort, hasFlows }));
  const from = both((family, ip) => [
    `${ip} saddr @${addressSet(family)} meta l4proto { tcp, udp } th sport ${dnsPort} notrack`,
    `${ip} daddr @${addressSet(family)} tcp dport ${healthPort} notrack`,
    `${ip} saddr @${addressSet(family)} tcp sport ${healthPort} notrack`,
  ]);
  const chain = (name: string, declaration: string[], rules: string[]): Block => {
    return { name: `chain ${name}`, declaration, rules };
  };
  const raw = [
    chain('prerouting', hook('filter', 'prerouting', RAW_PRIORITY), toward),
    // Clients in the host's own network, and our replies.
    chain('output', hook('filter', 'output', RAW_PRIORITY), [...toward, ...from]),
  ];
  if (!hasStandBy) return raw;
  const standBy = both((family, ip) => [
    `${ip} daddr @${standBySet(family)} meta l4proto { tcp, udp } th dport ${dnsPort} jump ${endpointChain(family)}`,
  ]);
  // What comes from a loopback address cannot leave the node: it is a daemon that asks itself whether it answers, before it
  // takes the lease.
  const own = ['ip saddr 127.0.0.0/8 accept', 'ip6 saddr ::1 accept'];
  // A client on the host has the served address itself as its source, since that is local: replies would not come back.
  const back = both((family, ip) => [
    `${ip} saddr @${addressSet(family)} ct status dnat masquerade`,
  ]);
  return [
    ...raw,
    ...FAMILIES.map((family) => endpointBlock(family, fallback)),
    chain('standby_prerouting', hook('nat', 'prerouting', STANDBY_PRIORITY), standBy),
    chain('standby_output', hook('nat', 'output', STANDBY_PRIORITY), [...own, ...standBy]),
    chain('standby_postrouting', hook('nat', 'postrouting', STANDBY_POSTROUTING_PRIORITY), back),
  ];
}

function towardRules(
  family: Family,
  ip: string,
  { dnsPort, hasFlows }: { dnsPort: number; hasFlows: boolean },
): string[] {
  const leased = `${ip} daddr @${leaseSet(family)}`;
  if (!hasFlows) return [`${leased} meta l4proto { tcp, udp } th dport ${dnsPort} notrack`];
  const flow = `${ip} saddr . tcp sport . ${ip} daddr`;
  const note = `update @${flowSet(family)} { ${flow} } notrack`;
  return [
    `${leased} udp dport ${dnsPort} notrack`,
    `${leased} tcp dport ${dnsPort} tcp flags & (fin | syn | rst | ack) == syn ${note}`,
    `tcp dport ${dnsPort} ${flow} @${flowSet(family)} ${note}`,
  ];
}

/** Each new flow to one endpoint, all equally often. */
function endpointBlock(family: Family, fallback: readonly FallbackEndpoint[]): Block {
  const own = fallback.filter(({ address }) => familyOf(address) === family);
  const rules = own.map(({ address, port }, index) => {
    const left = own.length - index;
    const share = left === 1 ? '' : `numgen random mod ${left} == 0 `;
    const to = family === 6 ? `ip6 to [${address}]:${port}` : `ip to ${address}:${port}`;
    return `meta l4proto { tcp, udp } ${share}dnat ${to}`;
  });
  return { name: `chain ${endpointChain(family)}`, declaration: [], rules };
}

function elementLines({ addresses, standByAddresses }: NftOptions): string[] {
  const add = (setOf: (family: Family) => string, elements: readonly string[]) =>
    elements.map((address) => {
      return `add element inet ${TABLE} ${setOf(familyOf(address))} { ${address} }`;
    });
  return [...add(addressSet, addresses), ...add(standBySet, standByAddresses)];
}

function table(blocks: readonly string[]): string {
  return `table inet ${TABLE} {\n${blocks.join('\n')}\n}`;
}

function block(name: string, lines: readonly string[]): string {
  return [`\t${name} {`, ...lines.map((line) => `\t\t${line}`), '\t}'].join('\n');
}
