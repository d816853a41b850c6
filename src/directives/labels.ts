/** The labels of `metadata` and their values; there are no others in node-cache but `log/type` and `log/class`, which `log` makes. */
import type { Octets } from '../wire/octets.ts';
import { zoneMatcher } from './fallthrough.ts';
import type { Provenance } from './resolution.ts';

export class Labels {
  readonly #isInZones: (qname: Octets) => boolean;

  /** `zones`: whose queries have labels; undefined without `metadata`. */
  constructor(zones: readonly string[] | undefined) {
    this.#isInZones = zoneMatcher(zones ?? []);
  }

  /** Whether a query about the name has labels. */
  has(qname: Octets): boolean {
    return this.#isInZones(qname);
  }

  /** The empty text where it has none. */
  valueOf(label: string, qname: Octets, provenance: Provenance | undefined): string {
    if (!this.has(qname)) return '';
    if (label === 'forward/upstream') return provenance?.upstream ?? '';
    return label === 'trace/traceid' ? (provenance?.traceId ?? '') : '';
  }
}
