/** A resource record as a line of a master file, as CoreDNS's library prints it: `OWNER TTL CLASS TYPE RDATA`, with tabs. */
import { nameToText } from './name.ts';
import { genericWords, rdataWords } from './rdata-text.ts';
import type { ResourceRecord } from './records.ts';
import { className, typeName } from './registry.ts';

/** What stands before the data. */
export function recordHeaderText({
  owner,
  ttlS,
  rclass,
  type,
}: Omit<ResourceRecord, 'data'>): string {
  return `${nameToText(owner)}\t${ttlS}\t${className(rclass)}\t${typeName(type)}\t`;
}

/** Data that is not what its type says, or of a type that is not known, stands as RFC 3597 §5 has it. */
export function recordText(record: ResourceRecord): string {
  const words = rdataWords(record.type, record.data);
  if (words !== undefined) return recordHeaderText(record) + words;
  const { owner, ttlS, rclass, type, data } = record;
  return `${nameToText(owner)}\t${ttlS}\tCLASS${rclass}\tTYPE${type}\t${genericWords(data)}`;
}
