/** The addresses that a response gives for the name it was asked about. */
import { addressText } from '../base/ip-address.ts';
import { RecordCursor, readRecord } from './record.ts';
import { QTYPE } from './registry.ts';
import type { ResponseBody } from './response.ts';

export interface AnsweredAddresses {
  /** Of A and AAAA records of the answer section, whichever name a CNAME has led to. */
  readonly addresses: readonly string[];
  /** The smallest TTL of that section, aliases included; undefined where it is empty. */
  readonly ttlS: number | undefined;
}

/** Reads a body as `readResponse` makes it. */
export function answeredAddresses({ octets, answerCount }: ResponseBody): AnsweredAddresses {
  const addresses: string[] = [];
  let ttlS: number | undefined;
  const record = new RecordCursor();
  for (let index = 0, at = 0; index < answerCount; index++, at = record.dataEnd) {
    if (!readRecord(octets, at, record)) break;
    ttlS = Math.min(ttlS ?? record.ttlS, record.ttlS);
    if (record.type === QTYPE.A || record.type === QTYPE.AAAA) {
      addresses.push(addressText(octets.subarray(record.dataAt, record.dataEnd)));
    }
  }
  return { addresses, ttlS };
}
