/**
 * Base chains of others that would drop the queries that come to us, or our replies: every chain at a hook must let a packet
 * through, whatever another accepts. Where one drops by policy, or ends in a rule that drops or rejects all that is left,
 * our packets are accepted at its head, with node-cache's comment; iptables shows such a rule of its own table as its own.
 */
import type { Run } from './command.ts';
import type { HostFailure } from './failure.ts';
import { type ListedBlock, readListing } from './nft-listing.ts';
import { TABLE } from './nft-text.ts';
import { familyOf, RULE_COMMENTS } from './rules.ts';

/** A chain of others at a hook where our packets pass. */
export interface DropChain {
  /** As nft names it: `inet firewalld filter_INPUT`. */
  readonly name: string;
  readonly hook: 'input' | 'output';
  /** `policy drop`, or the last rule; undefined where it drops no more and only our rules are left. */
  readonly reason: string | undefined;
  readonly missing: readonly string[];
  /** Handles of our rules in it, and of those among them that are there twice. */
  readonly present: readonly string[];
  readonly repeated: readonly string[];
}

interface ChainOptions {
  readonly addresses: readonly string[];
  readonly dnsPort: number;
}

/** Chains that drop, each with the rules that are missing in it; reads, changes nothing. */
export async function findDropChains(
  run: Run,
  options: ChainOptions,
): Promise<{ ok: true; chains: DropChain[] } | { ok: false; failure: HostFailure }> {
  const outcome = await run('nft', ['-nn', 'list', 'chains']);
  if (!outcome.ok) return outcome;
  const chains: DropChain[] = [];
  for (const candidate of candidatesIn(outcome.stdout)) {
    const listed = await run('nft', ['-nn', '-a', 'list', 'chain', ...candidate.name.split(' ')]);
    // It went away in between.
    if (!listed.ok) continue;
    const block = readListing(listed.stdout)[0]?.blocks[0];
    if (block === undefined) continue;
    chains.push(...dropChain(candidate, block, options));
  }
  return { ok: true, chains };
}

/** Accepts our packets in all of them, in one transaction; empty where nothing is to be done. */
export function acceptText(chains: readonly DropChain[]): string {
  return lines(chains, ({ name, missing, repeated }) => [
    ...repeated.map((handle) => `delete rule ${name} handle ${handle}`),
    ...missing.map((rule) => `insert rule ${name} ${rule}`),
  ]);
}

/** Takes our rules out again. */
export function leaveText(chains: readonly DropChain[]): string {
  return lines(chains, ({ name, present }) =>
    present.map((handle) => `delete rule ${name} handle ${handle}`),
  );
}

function lines(chains: readonly DropChain[], of: (chain: DropChain) => string[]): string {
  return chains
    .flatMap(of)
    .map((line) => `${line}\n`)
    .join('');
}

interface Candidate {
  readonly name: string;
  readonly hook: 'input' | 'output';
  readonly families: readonly (4 | 6)[];
}

const TABLE_FAMILIES: Readonly<Record<string, readonly (4 | 6)[]>> = {
  inet: [4, 6],
  ip: [4],
  ip6: [6],
};

/** Filter chains at the hooks that our packets pass, of tables that are not ours. */
export function candidatesIn(listing: string): Candidate[] {
  return readListing(listing).flatMap(({ name, blocks }) => {
    const families = TABLE_FAMILIES[name.split(' ')[0]!];
    if (families === undefined || name === `inet ${TABLE}`) return [];
    return blocks.flatMap((block) => {
      const [, hook] = /^type filter hook (input|output) /.exec(block.lines[0] ?? '') ?? [];
      if (hook !== 'input' && hook !== 'output') return [];
      return [{ name: `${name} ${block.name.replace(/^chain /, '')}`, hook, families }];
    });
  });
}

/** One entry where the chain drops, or has rules of ours; else none. */
export function dropChain(
  { name, hook, families }: Candidate,
  { lines }: ListedBlock,
  { addresses, dnsPort }: ChainOptions,
): DropChain[] {
  const [declaration = '', ...rules] = lines;
  const wanted = addresses
    .filter((address) => families.includes(familyOf(address)))
    .flatMap((address) =>
      (['tcp', 'udp'] as const).map((protocol) => acceptRule(address, protocol, hook, dnsPort)),
    );
  const ours = rules.filter((rule) => wanted.includes(plain(rule)));
  const others = rules.filter((rule) => !ours.includes(rule));
  const reason = /policy drop/.test(declaration) ? 'policy drop' : endOf(others.at(-1));
  if (reason === undefined && ours.length === 0) return [];
  const there = ours.map(plain);
  const repeated = ours.filter((rule, index) => there.indexOf(plain(rule)) !== index);
  return [
    {
      name,
      hook,
      reason,
      missing: reason === undefined ? [] : wanted.filter((rule) => !there.includes(rule)),
      present: ours.map(handleOf),
      repeated: repeated.map(handleOf),
    },
  ];
}

function handleOf(rule: string): string {
  return /# handle (\d+)$/.exec(rule)?.[1] ?? '';
}

function acceptRule(
  address: string,
  protocol: 'tcp' | 'udp',
  hook: 'input' | 'output',
  port: number,
): string {
  const ip = familyOf(address) === 6 ? 'ip6' : 'ip';
  const [side, end] = hook === 'input' ? ['daddr', 'dport'] : ['saddr', 'sport'];
  return `${ip} ${side} ${address} ${protocol} ${end} ${port} accept comment "${RULE_COMMENTS.ACCEPT}"`;
}

/** A rule without its counter and handle. */
function plain(rule: string): string {
  return rule.replace(/\bcounter packets \d+ bytes \d+ /, '').replace(/ # handle \d+$/, '');
}

/** The rule, where it drops or rejects whatever comes to it. */
function endOf(rule: string | undefined): string | undefined {
  if (rule === undefined) return undefined;
  const text = plain(rule).replace(/ comment "[^"]*"$/, '');
  const verdict =
    /^(?:counter )?(?:log(?: (?:prefix|level|group|flags) (?:"[^"]*"|\S+))* )?(drop|reject(?: with .*)?)$/;
  return verdict.exec(text)?.[1];
}
