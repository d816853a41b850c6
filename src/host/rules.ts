/**
 * node-cache's twelve rules for one address, as data. Comments and the order of arguments are node-cache's, so that what looks
 * for its rules finds ours; the rules toward us carry the lease besides.
 */
import { isIPv6 } from 'node:net';

export type Family = 4 | 6;

export interface RuleOptions {
  readonly dnsPort: number;
  readonly healthPort: number;
  /** Rules toward us match only while the lease holds; false where the kernel cannot. */
  readonly hasLease: boolean;
}

export interface Rule {
  readonly table: 'raw' | 'filter';
  readonly chain: 'PREROUTING' | 'INPUT' | 'OUTPUT';
  readonly protocol: 'tcp' | 'udp';
  /** `d`: to the address and port; `s`: from them. */
  readonly direction: 'd' | 's';
  readonly address: string;
  readonly port: number;
  readonly target: 'NOTRACK' | 'ACCEPT';
  /** Brings queries to us: leased, and the first to go at the end. */
  readonly isTowardUs: boolean;
}

/** node-cache's comments since 1.22.19; releases before had none. */
export const RULE_COMMENTS = {
  NOTRACK: 'NodeLocal DNS Cache: skip conntrack',
  ACCEPT: 'NodeLocal DNS Cache: allow DNS traffic',
} as const;

const DNS_RULES = [
  { table: 'raw', chain: 'PREROUTING', direction: 'd', target: 'NOTRACK' },
  { table: 'filter', chain: 'INPUT', direction: 'd', target: 'ACCEPT' },
  { table: 'raw', chain: 'OUTPUT', direction: 's', target: 'NOTRACK' },
  { table: 'filter', chain: 'OUTPUT', direction: 's', target: 'ACCEPT' },
  // Clients in the host's own network.
  { table: 'raw', chain: 'OUTPUT', direction: 'd', target: 'NOTRACK' },
] as const;

/** Probes from the host to the health endpoint: no connection tracking, no lease. */
const HEALTH_RULES = [
  { table: 'raw', chain: 'OUTPUT', direction: 'd', target: 'NOTRACK' },
  { table: 'raw', chain: 'OUTPUT', direction: 's', target: 'NOTRACK' },
] as const;

export function rulesFor(
  address: string,
  { dnsPort, healthPort }: Pick<RuleOptions, 'dnsPort' | 'healthPort'>,
): Rule[] {
  const dns = DNS_RULES.flatMap((rule) =>
    (['tcp', 'udp'] as const).map((protocol) => {
      const isTowardUs = rule.table === 'raw' && rule.direction === 'd';
      return { ...rule, protocol, address, port: dnsPort, isTowardUs };
    }),
  );
  const health = HEALTH_RULES.map((rule) => {
    return { ...rule, protocol: 'tcp' as const, address, port: healthPort, isTowardUs: false };
  });
  return [...dns, ...health];
}

export function familyOf(address: string): Family {
  return isIPv6(address) ? 6 : 4;
}

/** Each family with its addresses, where it has any. */
export function byFamily(addresses: readonly string[]): [Family, string[]][] {
  const families = ([4, 6] as const).map((family): [Family, string[]] => [
    family,
    addresses.filter((address) => familyOf(address) === family),
  ]);
  return families.filter(([, own]) => own.length > 0);
}
