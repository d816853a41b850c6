/**
 * Where names stand in RDATA, by record type: those of RFC 1035, which may be compressed when they are sent, and the later types
 * that once allowed it and are written out now (RFC 3597 §4). RDATA of any other type is opaque.
 */
import { QTYPE } from './registry.ts';

export interface NamesInData {
  /** Octets before the first name. */
  readonly prefixSize: number;
  readonly nameCount: number;
  readonly compresses: boolean;
}

const SHAPES: ReadonlyMap<number, NamesInData> = new Map(
  (
    [
      [QTYPE.NS, 0, 1, true],
      [QTYPE.MD, 0, 1, true],
      [QTYPE.MF, 0, 1, true],
      [QTYPE.CNAME, 0, 1, true],
      [QTYPE.SOA, 0, 2, true],
      [QTYPE.MB, 0, 1, true],
      [QTYPE.MG, 0, 1, true],
      [QTYPE.MR, 0, 1, true],
      [QTYPE.PTR, 0, 1, true],
      [QTYPE.MINFO, 0, 2, true],
      [QTYPE.MX, 2, 1, true],
      [QTYPE.RP, 0, 2, false],
      [QTYPE.AFSDB, 2, 1, false],
      [QTYPE.RT, 2, 1, false],
      [QTYPE.SIG, 18, 1, false],
      [QTYPE.PX, 2, 2, false],
      [QTYPE.NXT, 0, 1, false],
      [QTYPE.SRV, 6, 1, false],
      // Order and preference; the three character-strings behind them are measured in place.
      [QTYPE.NAPTR, 4, 1, false],
      [QTYPE.KX, 2, 1, false],
      [QTYPE.DNAME, 0, 1, false],
      [QTYPE.RRSIG, 18, 1, false],
      [QTYPE.NSEC, 0, 1, false],
    ] as const
  ).map(([type, prefixSize, nameCount, compresses]) => [
    type,
    { prefixSize, nameCount, compresses },
  ]),
);

/** Undefined where the type has no names in its RDATA. */
export function namesInData(type: number): NamesInData | undefined {
  return SHAPES.get(type);
}
