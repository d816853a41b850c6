/**
 * The weight file of `loadbalance weighted`, in CoreDNS's format: a line with a name begins its addresses, each with a weight of 1 to
 * 255. `#` at the start of a line begins a comment.
 *
 *   www.example.org
 *   192.0.2.1 3
 *   192.0.2.2 1
 */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { lowerName, nameFromText, nameToText } from '../wire/name.ts';

/** By name (lower-case, final dot), then by address. */
export type Weights = ReadonlyMap<string, ReadonlyMap<string, number>>;

export type WeightFile =
  | { readonly code: 'read'; readonly weights: Weights }
  | { readonly code: 'malformed'; readonly line: number; readonly problem: string };

export function readWeightFile(text: string): WeightFile {
  const weights = new Map<string, Map<string, number>>();
  let current: Map<string, number> | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fields = line.trim().split(/\s+/);
    const [first = '', weightText] = fields;
    if (first === '' || first.startsWith('#')) continue;
    const malformed = (problem: string): WeightFile => {
      return { code: 'malformed', line: index + 1, problem };
    };
    const address = addressOctets(first);
    if (fields.length > 2) return malformed('expected NAME, or ADDRESS WEIGHT');
    if (weightText === undefined) {
      const name = address === undefined ? nameFromText(first) : undefined;
      if (name === undefined) return malformed(`'${first}': expected a domain name`);
      const text = nameToText(lowerName(name));
      current = weights.get(text) ?? new Map();
      weights.set(text, current);
      continue;
    }
    const weight = /^\d{1,3}$/.test(weightText) ? Number(weightText) : 0;
    if (address === undefined) return malformed(`'${first}': expected an IP address`);
    if (weight < 1 || weight > 255) {
      return malformed(`'${weightText}': expected a weight from 1 to 255`);
    }
    if (current === undefined) return malformed('expected a domain name before the first address');
    current.set(addressText(address), weight);
  }
  return { code: 'read', weights };
}
