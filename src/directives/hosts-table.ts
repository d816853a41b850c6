/**
 * The contents of hosts files (hosts(5)): names to addresses and, unless turned off, addresses to names. A name whose first label
 * is `*` stands for any one label there; a name that is written out wins (CoreDNS 1.14.7).
 */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { labelOffsets, lowerName, nameFromText, nameToText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { canonicalAddress } from './address.ts';
import { zoneMatcher } from './fallthrough.ts';

/** Names are texts: lower-case, with a final dot. Addresses are octets, 4 or 16. */
export class HostsTable {
  readonly #addresses = new Map<string, Uint8Array[]>();
  /** By the address's text. */
  readonly #names = new Map<string, string[]>();
  /** Addresses of names, and names of addresses, together, as CoreDNS counts them. */
  entryCount = 0;

  /** Adds the lines of a text; what is no address with names, or no name in the zones, is passed over, as CoreDNS does. */
  add(text: string, options: { zones: readonly string[]; isReversed: boolean }): this {
    const isInZones = zoneMatcher(options.zones);
    for (const line of text.split('\n')) {
      const [first = '', ...names] = line.replace(/#.*/s, '').trim().split(/\s+/);
      const address = addressOctets(canonicalAddress(first.replace(/%.*/s, '')) ?? '');
      if (address === undefined) continue;
      for (const name of names) {
        const octets = nameFromText(name);
        if (octets === undefined || !isInZones(octets)) continue;
        this.#addOne(address, nameToText(lowerName(octets)), options.isReversed);
      }
    }
    return this;
  }

  /** The addresses of a name with so many octets. */
  addressesOf(qname: Octets, size: 4 | 16): Uint8Array[] {
    const own = this.#of(nameToText(qname), size);
    if (own.length > 0 || qname.length === 1) return own;
    const parent = qname.subarray(labelOffsets(qname)[1]!);
    return this.#of(parent.length === 1 ? '*.' : `*.${nameToText(parent)}`, size);
  }

  namesOf(address: Uint8Array): readonly string[] {
    return this.#names.get(addressText(address)) ?? [];
  }

  #addOne(address: Uint8Array, name: string, isReversed: boolean): void {
    append(this.#addresses, name, address);
    this.entryCount += 1;
    if (!isReversed || name.startsWith('*.')) return;
    append(this.#names, addressText(address), name);
    this.entryCount += 1;
  }

  #of(name: string, size: 4 | 16): Uint8Array[] {
    return (this.#addresses.get(name) ?? []).filter(({ length }) => length === size);
  }
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
