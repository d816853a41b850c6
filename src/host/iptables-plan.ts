/** From what stands to what should stand, as one text for `iptables-restore --noflush`. Pure. */
import type { FallbackEndpoint } from './interception.ts';
import {
  endpointLines,
  isNodeCacheRule,
  keptConnectionLines,
  keyOf,
  type Line,
  ruleLine,
  type SavedRule,
  STANDBY_CHAIN,
  standByLines,
} from './iptables-text.ts';
import { type RuleOptions, rulesFor } from './rules.ts';

/** What of one family should stand. */
export interface Wanted extends RuleOptions {
  readonly addresses: readonly string[];
  /** Plain rules toward us stand only from the first renewal to the withdrawal; leased ones always. */
  readonly hasTowardUs: boolean;
  /** Whether this kernel has table nat. */
  readonly hasNat: boolean;
  /** Undefined where the stand-by is off or cannot be had. */
  readonly standBy:
    | { readonly addresses: readonly string[]; readonly endpoints: readonly FallbackEndpoint[] }
    | undefined;
}

/** What stands: the rules of the chains that ours are in. */
export interface Present {
  readonly rules: readonly SavedRule[];
  /** Rules in the stand-by chain; undefined where there is no such chain. */
  readonly endpointCount: number | undefined;
}

export interface Plan {
  readonly missing: readonly Line[];
  /** Twice there, or left by older releases, or no longer wanted. */
  readonly superfluous: readonly SavedRule[];
  /** Rules of the stand-by chain, to be written anew; undefined: it stays. */
  readonly endpoints: readonly string[] | undefined;
  readonly dropsStandByChain: boolean;
}

export function wantedLines(wanted: Wanted): Line[] {
  const rules = wanted.addresses.flatMap((address) => rulesFor(address, wanted));
  const standing = rules.filter(
    ({ isTowardUs }) => !isTowardUs || wanted.hasLease || wanted.hasTowardUs,
  );
  const lines = standing.map((rule) => ruleLine(rule, wanted.hasLease));
  const { standBy, hasNat, addresses, dnsPort } = wanted;
  const kept = hasNat ? keptConnectionLines(addresses, dnsPort) : [];
  const standingBy = standBy ? standByLines(standBy.addresses, dnsPort) : [];
  return [...lines, ...kept, ...standingBy];
}

export function planRepair(wanted: Wanted, present: Present): Plan {
  const lines = wantedLines(wanted);
  const missing = new Map(lines.map((line) => [keyOf(line), line]));
  const known = new Set(missing.keys());
  const superfluous = present.rules.filter((rule) => {
    const key = keyOf(rule);
    if (known.has(key)) return !missing.delete(key);
    if (isStandBy(rule)) return isOf(rule, wanted.addresses);
    return isNodeCacheRule(rule, wanted.addresses, wanted);
  });
  const { standBy } = wanted;
  const isEmptied = (present.endpointCount ?? 0) === 0 && (standBy?.endpoints.length ?? 0) > 0;
  const writesChain = standBy !== undefined && (present.endpointCount === undefined || isEmptied);
  return {
    missing: [...missing.values()],
    superfluous,
    endpoints: writesChain ? endpointLines(standBy.endpoints) : undefined,
    dropsStandByChain: standBy === undefined && present.endpointCount !== undefined,
  };
}

/** What takes all of ours away that stands. */
export function planRemoval(wanted: Wanted, present: Present): Plan {
  const ours = new Set(wantedLines(wanted).map(keyOf));
  const superfluous = present.rules.filter((rule) => {
    const isOurs = ours.has(keyOf(rule)) || isStandBy(rule);
    return isOurs || isNodeCacheRule(rule, wanted.addresses, wanted);
  });
  const dropsStandByChain = present.endpointCount !== undefined;
  return { missing: [], superfluous, endpoints: undefined, dropsStandByChain };
}

export function isEmpty({ missing, superfluous, endpoints, dropsStandByChain }: Plan): boolean {
  const changes = missing.length + superfluous.length;
  return changes === 0 && endpoints === undefined && !dropsStandByChain;
}

/**
 * Accepting comes first and un-tracking last, because each table is a transaction of its own: no packet is brought here
 * before it is let in.
 */
const TABLES = ['filter', 'nat', 'raw'] as const;

export function restoreText(plan: Plan): string {
  return TABLES.map((table) => tableText(table, plan)).join('');
}

function tableText(table: (typeof TABLES)[number], plan: Plan): string {
  const own = <T extends { table: string }>(lines: readonly T[]) =>
    lines.filter((line) => line.table === table);
  const lines: string[] = [];
  // Declaring a chain of one's own empties it.
  const endpoints = table === 'nat' ? plan.endpoints : undefined;
  if (endpoints) lines.push(`:${STANDBY_CHAIN} - [0:0]`);
  for (const { chain, arguments: text } of own(plan.superfluous)) lines.push(`-D ${chain} ${text}`);
  for (const { chain, arguments: text, isFirst = false } of own(plan.missing)) {
    // In table nat what stands by comes last; elsewhere ours come before what would drop.
    const verb = table === 'nat' && !isFirst ? '-A' : '-I';
    lines.push(`${verb} ${chain} ${text}`);
  }
  for (const text of endpoints ?? []) lines.push(`-A ${STANDBY_CHAIN} ${text}`);
  if (table === 'nat' && plan.dropsStandByChain) {
    lines.push(`-F ${STANDBY_CHAIN}`, `-X ${STANDBY_CHAIN}`);
  }
  return lines.length === 0 ? '' : `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

/** Another daemon of ours, for other addresses, keeps its rules. */
function isOf({ meaning }: SavedRule, addresses: readonly string[]): boolean {
  return addresses.includes(meaning.destination ?? meaning.source ?? '');
}

/** A rule that only we make: it names our chain, or carries our comment. */
function isStandBy({ table, arguments: text }: SavedRule): boolean {
  return table === 'nat' && (text.includes(STANDBY_CHAIN) || text.includes('Zerohop: '));
}
