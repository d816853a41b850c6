/**
 * Answered queries of the daemon's own at its own addresses: signs of life, and proofs that an upstream answers. The counters take them
 * for a client's, as CoreDNS counts its health checks; who looks at what pods ask does not want them.
 */
import { COUNTED_TYPES, RCODE_WORDS, rcodeIndex, typeIndex } from '../metrics/counter-words.ts';

export class OwnQueries {
  /** By the order of `COUNTED_TYPES`; last, all other types. */
  readonly byType = new Float64Array(COUNTED_TYPES.length + 1);
  /** By rcode; last, all above. */
  readonly byRcode = new Float64Array(RCODE_WORDS);

  /** Call it once the answer has come: the counters have it before it is sent. */
  count(qtype: number, rcode: number): void {
    this.byType[typeIndex(qtype)]! += 1;
    this.byRcode[rcodeIndex(rcode)]! += 1;
  }
}
