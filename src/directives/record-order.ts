/**
 * Orders of records within a section, as `loadbalance` makes them (CoreDNS plugin/loadbalance): CNAME records first, since some stubs
 * (glibc) want them so, and addresses and mail exchangers in an order of their own. Pure but for the random numbers it is given.
 */
import { addressText } from '../base/ip-address.ts';
import { type IpPrefix, isInPrefix } from '../base/ip-prefix.ts';
import { lowerName, nameToText } from '../wire/name.ts';
import type { ResourceRecord } from '../wire/records.ts';
import { QTYPE } from '../wire/registry.ts';
import type { Weights } from './weight-file.ts';

type Records = readonly ResourceRecord[];

/** A whole number from 0 up to, but not including, `limit`. */
export type RandomBelow = (limit: number) => number;

interface Groups {
  readonly cname: ResourceRecord[];
  readonly address: ResourceRecord[];
  readonly mx: ResourceRecord[];
  readonly rest: ResourceRecord[];
}

/** Every order of the addresses, and of the mail exchangers, is as likely as any other. */
export function shuffled(records: Records, randomBelow: RandomBelow): Records {
  const { cname, address, mx, rest } = groupsOf(records);
  return [...cname, ...rest, ...permuted(address, randomBelow), ...permuted(mx, randomBelow)];
}

/** The first address is drawn by its weight and changes places with the one that stood there; without addresses, no change. */
export function weighted(records: Records, weights: Weights, randomBelow: RandomBelow): Records {
  const { cname, address, mx, rest } = groupsOf(records);
  if (address.length === 0) return records;
  const each = address.map((record) => weightOf(record, weights));
  let drawn = randomBelow(each.reduce((sum, weight) => sum + weight, 0));
  const top = each.findIndex((weight) => {
    drawn -= weight;
    return drawn < 0;
  });
  const first = address[0]!;
  address[0] = address[top]!;
  address[top] = first;
  return [...cname, ...rest, ...address, ...mx];
}

/** Addresses in a prefix come before those in later ones, and all of them before the others. */
export function preferring(records: Records, prefixes: readonly IpPrefix[]): Records {
  const { cname, address, mx, rest } = groupsOf(records);
  const rankOf = ({ data }: ResourceRecord) => {
    const rank = prefixes.findIndex((prefix) => isInPrefix(data, prefix));
    return rank < 0 ? prefixes.length : rank;
  };
  const sorted = address.toSorted((left, right) => rankOf(left) - rankOf(right));
  return [...cname, ...sorted, ...mx, ...rest];
}

function groupsOf(records: Records): Groups {
  const groups: Groups = { cname: [], address: [], mx: [], rest: [] };
  for (const record of records) {
    const { type } = record;
    if (type === QTYPE.CNAME) groups.cname.push(record);
    else if (type === QTYPE.A || type === QTYPE.AAAA) groups.address.push(record);
    else if (type === QTYPE.MX) groups.mx.push(record);
    else groups.rest.push(record);
  }
  return groups;
}

/** Fisher and Yates. */
function permuted(records: ResourceRecord[], randomBelow: RandomBelow): ResourceRecord[] {
  for (let at = records.length - 1; at > 0; at--) {
    const other = randomBelow(at + 1);
    const record = records[at]!;
    records[at] = records[other]!;
    records[other] = record;
  }
  return records;
}

/** 1 for what the file does not name. */
function weightOf({ owner, data }: ResourceRecord, weights: Weights): number {
  return weights.get(nameToText(lowerName(owner)))?.get(addressText(data)) ?? 1;
}
