/**
 * Rules to and from the text of `iptables-restore` and `iptables -S`. What is read back is compared by meaning, because
 * iptables prints a rule in another order, with masks and with matches that it adds.
 */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { type FallbackEndpoint, LEASE_S } from './interception.ts';
import { type Family, familyOf, RULE_COMMENTS, type Rule, type RuleOptions } from './rules.ts';

/**
 * The recent list that is a family's lease: /proc/net/xt_recent/ZEROHOP or ZEROHOP6. One for both would not do: the mask belongs
 * to the list, and IPv4's would cut IPv6 addresses short.
 */
export const RECENT_LISTS: Readonly<Record<Family, string>> = { 4: 'ZEROHOP', 6: 'ZEROHOP6' };
/** The chain of table nat that holds the endpoints of kube-dns. */
export const STANDBY_CHAIN = 'ZEROHOP-STANDBY';
const STANDBY_COMMENT = 'Zerohop: kube-dns while the cache is away';
const KEPT_COMMENT = 'Zerohop: connections stay with whom they began';

/** With the mask that iptables prints: to delete a rule as it was printed, 1.8.9 wants it to have been added with one. */
function leaseArguments(address: string): string {
  const family = familyOf(address);
  const mask = family === 6 ? new Array(8).fill('ffff').join(':') : '255.255.255.255';
  return `-m recent --rcheck --seconds ${LEASE_S} --name ${RECENT_LISTS[family]} --mask ${mask} --rdest`;
}

/** A line of a chain that a restore may insert (with `-I`) or append (`-A`), and how to know it again. */
export interface Line {
  readonly table: string;
  readonly chain: string;
  readonly arguments: string;
  /** Before what others have in a chain of table nat. */
  readonly isFirst?: boolean;
}

/** The arguments of one of the twelve rules, in node-cache's order. */
export function ruleLine(rule: Rule, hasLease: boolean): Line {
  const port = rule.direction === 'd' ? '--dport' : '--sport';
  const comment = `-m comment --comment "${RULE_COMMENTS[rule.target]}"`;
  const lease = hasLease && rule.isTowardUs ? ` ${leaseArguments(rule.address)}` : '';
  return {
    table: rule.table,
    chain: rule.chain,
    arguments: `-p ${rule.protocol} -${rule.direction} ${rule.address} ${port} ${rule.port} -j ${rule.target} ${comment}${lease}`,
  };
}

/**
 * A TCP connection to us is un-tracked. When the lease ends, the kernel takes its next segment for the first of a new one, and
 * kube-proxy's NAT would send it to kube-dns, which resets it. Such a first segment has no SYN alone: it keeps its destination, so
 * that the connection can be answered and closed. These come before kube-proxy's.
 */
export function keptConnectionLines(addresses: readonly string[], dnsPort: number): Line[] {
  const isInMidStream = '! --tcp-flags FIN,SYN,RST,ACK SYN';
  return ['PREROUTING', 'OUTPUT'].flatMap((chain) =>
    addresses.map((address) => ({
      table: 'nat',
      chain,
      arguments: `-p tcp -d ${address} --dport ${dnsPort} ${isInMidStream} -j ACCEPT -m comment --comment "${KEPT_COMMENT}"`,
      isFirst: true,
    })),
  );
}

/**
 * What stands by in table nat, to be appended so that kube-proxy's rules come first: clients in pods and on the host, and
 * their way back. A client on the host has the served address itself as its source, since that is local. What comes from a
 * loopback address cannot leave the node: it is a daemon that asks itself whether it answers, before it takes the lease.
 */
export function standByLines(addresses: readonly string[], dnsPort: number): Line[] {
  const comment = `-m comment --comment "${STANDBY_COMMENT}"`;
  const toward = ['PREROUTING', 'OUTPUT'].flatMap((chain) =>
    addresses.flatMap((address) =>
      ['tcp', 'udp'].map((protocol) => {
        const source = chain === 'OUTPUT' ? `! -s ${loopbackOf(address)} ` : '';
        const match = `${source}-p ${protocol} -d ${address} --dport ${dnsPort}`;
        return { table: 'nat', chain, arguments: `${match} -j ${STANDBY_CHAIN} ${comment}` };
      }),
    ),
  );
  const back = addresses.map((address) => {
    const match = `-s ${address} -m conntrack --ctstate DNAT`;
    return { table: 'nat', chain: 'POSTROUTING', arguments: `${match} -j MASQUERADE ${comment}` };
  });
  return [...toward, ...back];
}

function loopbackOf(address: string): string {
  return address.includes(':') ? '::1' : '127.0.0.0/8';
}

/** The stand-by chain's rules: each new flow to one endpoint, all equally often. */
export function endpointLines(endpoints: readonly FallbackEndpoint[]): string[] {
  return endpoints.flatMap(({ address, port }, index) => {
    const left = endpoints.length - index;
    const share =
      left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(11)} `;
    const to = familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
    return ['tcp', 'udp'].map(
      (protocol) => `-p ${protocol} ${share}-j DNAT --to-destination ${to}`,
    );
  });
}

/** A rule as `iptables -S` or `iptables-save` printed it. */
export interface SavedRule {
  readonly table: string;
  readonly chain: string;
  /** Behind the chain's name; a restore takes it back word for word. */
  readonly arguments: string;
  readonly meaning: Meaning;
}

/** A rule by what it does. */
interface Meaning {
  protocol?: string;
  source?: string;
  destination?: string;
  sourcePort?: string;
  destinationPort?: string;
  comment?: string;
  /** Name, seconds and direction of a `recent` match. */
  recent?: string;
  target?: string;
  /** Every other argument, in its order. */
  rest: string[];
}

/** The `-A` lines of a listing of one table. */
export function readRules(table: string, listing: string): SavedRule[] {
  return listing.split('\n').flatMap((line) => {
    const [, chain, text] = /^-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (chain === undefined || text === undefined) return [];
    return [{ table, chain, arguments: text, meaning: meaningOf(text) }];
  });
}

/** Two rules with the same key do the same. */
export function keyOf(line: Line): string {
  return JSON.stringify([line.table, line.chain, sorted(meaningOf(line.arguments))]);
}

function sorted(meaning: Meaning): [string, unknown][] {
  return Object.entries(meaning).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Whether a rule is of the kind that node-cache makes for one of these addresses and ports: un-tracks or accepts, and asks for
 * nothing else. Releases before 1.22.19 gave no comment; those rules stay behind when such a release is replaced.
 */
export function isNodeCacheRule(
  { meaning, chain, table }: SavedRule,
  addresses: readonly string[],
  { dnsPort, healthPort }: Pick<RuleOptions, 'dnsPort' | 'healthPort'>,
): boolean {
  const { target, comment, rest } = meaning;
  const isKind =
    (table === 'raw' && target === 'NOTRACK' && ['PREROUTING', 'OUTPUT'].includes(chain)) ||
    (table === 'filter' && target === 'ACCEPT' && ['INPUT', 'OUTPUT'].includes(chain));
  if (!isKind || rest.length > 0) return false;
  if (comment !== undefined && comment !== RULE_COMMENTS[target as 'NOTRACK' | 'ACCEPT']) {
    return false;
  }
  const ports = [String(dnsPort), ...(table === 'raw' ? [String(healthPort)] : [])];
  const { source, sourcePort, destination, destinationPort } = meaning;
  if (source === undefined && sourcePort === undefined) {
    return addresses.includes(destination ?? '') && ports.includes(destinationPort ?? '');
  }
  if (destination !== undefined || destinationPort !== undefined) return false;
  return addresses.includes(source ?? '') && ports.includes(sourcePort ?? '');
}

/** Which argument goes where in a Meaning; the rest is kept as it is. */
const FIELDS: Readonly<Record<string, Exclude<keyof Meaning, 'rest' | 'recent'>>> = {
  '-p': 'protocol',
  '-s': 'source',
  '-d': 'destination',
  '--sport': 'sourcePort',
  '--dport': 'destinationPort',
  '--comment': 'comment',
  '-j': 'target',
};
/** Matches that iptables names by itself or that their option implies. */
const IMPLIED_MATCHES = ['tcp', 'udp', 'comment', 'recent', 'conntrack'];

function meaningOf(text: string): Meaning {
  const words = wordsOf(text);
  const meaning: Meaning = { rest: [] };
  const recent: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const field = FIELDS[word];
    if (field !== undefined) {
      const value = words[++at] ?? '';
      meaning[field] = field === 'source' || field === 'destination' ? hostOf(value) : value;
    } else if (word === '-m' && IMPLIED_MATCHES.includes(words[at + 1] ?? '')) {
      at += 1;
    } else if (word === '--rcheck' || word === '--rdest') {
      recent.push(word);
    } else if (word === '--seconds' || (word === '--name' && recent.length > 0)) {
      recent.push(`${word} ${words[++at]}`);
    } else if (word === '--mask' && recent.length > 0) {
      at += 1;
    } else {
      meaning.rest.push(word);
    }
  }
  if (recent.length > 0) meaning.recent = recent.sort().join(' ');
  // A kernel without the old NOTRACK target has CT, whose printed form is another.
  if (meaning.target === 'CT' && meaning.rest[0] === '--notrack') {
    meaning.target = 'NOTRACK';
    meaning.rest.shift();
  }
  return meaning;
}

/** Words as a shell would split them, double quotes and backslashes in them as iptables-save writes them. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare]) =>
    quoted === undefined ? bare! : quoted.replace(/\\(.)/g, '$1'),
  );
}

/** An address without the mask of a single host, in its one spelling; a network stays as it is. */
function hostOf(text: string): string {
  const [address, bits] = text.split('/') as [string, string | undefined];
  const octets = addressOctets(address);
  if (octets === undefined) return text;
  const isHost = bits === undefined || Number(bits) === octets.length * 8;
  return isHost ? addressText(octets) : text;
}
