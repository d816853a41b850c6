/** Our table of nf_tables as it was listed, compared with what it was right after it went in. Pure. */
import type { AddressFacts, FallbackEndpoint } from './interception.ts';
import { difference, type ListedBlock, readListing } from './nft-listing.ts';
import { addressSet, leaseSet } from './nft-text.ts';
import { familyOf } from './rules.ts';

/** Sets and chains by their names: `set lease4`, `chain output`. */
export type Blocks = ReadonlyMap<string, ListedBlock>;

/** Of a listing of one table. */
export function blocksOf(listing: string): Blocks {
  const blocks = readListing(listing)[0]?.blocks ?? [];
  return new Map(blocks.map((block) => [block.name, block]));
}

/** How many rules, declarations and addresses are not there. */
export function missingOf(
  expected: Blocks,
  present: Blocks,
  fallback: readonly FallbackEndpoint[],
): number {
  let count = 0;
  for (const [name, block] of expected) {
    const there = present.get(name);
    if (isEndpoints(name)) {
      // What another daemon knows of kube-dns is as good as what we know.
      const isEmptied = hasEndpoints(name, fallback) && there?.lines.length === 0;
      if (there === undefined || isEmptied) count += 1;
      continue;
    }
    count += difference(block.lines, there?.lines ?? []).length;
    if (isTimed(name)) continue;
    count += difference(block.elements, there?.elements ?? []).length;
  }
  return count;
}

/** Rules that we did not make, or twice. */
export function surplusOf(expected: Blocks, present: Blocks): number {
  let count = 0;
  for (const [name, { lines }] of present) {
    if (isEndpoints(name)) continue;
    count += difference(lines, expected.get(name)?.lines ?? []).length;
  }
  return count;
}

/** The raw chains' rules of an address's family, and its place in the sets that they match. */
export function addressFacts(
  address: string,
  blocks: Blocks,
  leaseAgeMs: number | undefined,
): AddressFacts {
  const family = familyOf(address);
  const count = (chain: string, set: string) => {
    const lines = blocks.get(chain)?.lines ?? [];
    return lines.filter((line) => line.includes(`@${set} `)).length;
  };
  const isListed = blocks.get(`set ${addressSet(family)}`)?.elements.includes(address) ?? false;
  const checks = [
    count('chain prerouting', leaseSet(family)) > 0,
    count('chain output', leaseSet(family)) > 0,
    count('chain output', addressSet(family)) > 0,
    isListed,
  ];
  const rulesPresent = checks.filter(Boolean).length;
  return { address, rulesExpected: checks.length, rulesPresent, leaseAgeMs };
}

/** Chains whose rules depend on what a daemon knows, not on how it was built. */
function isEndpoints(name: string): boolean {
  return /^chain standby[46]$/.test(name);
}

function hasEndpoints(name: string, fallback: readonly FallbackEndpoint[]): boolean {
  return fallback.some(({ address }) => name.endsWith(String(familyOf(address))));
}

/** Sets whose elements come and go. */
function isTimed(name: string): boolean {
  return /^set (lease|flow)[46]$/.test(name);
}
