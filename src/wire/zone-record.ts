/**
 * A resource record from its text: `OWNER [TTL] [CLASS] TYPE RDATA` (RFC 1035 §5.1), TTL and class in any order. What is left out
 * is that of CoreDNS's library: 3600 seconds, IN; names without a final dot are relative to the root. Of several lines the
 * first entry counts.
 */
import { nameFromText } from './name.ts';
import { rdataFromWords } from './rdata-text.ts';
import type { ResourceRecord } from './records.ts';
import { classFromName, QCLASS, QTYPE, typeFromName } from './registry.ts';
import { secondsOf } from './ttl-text.ts';
import { firstEntry, ZoneTextError, type ZoneWord } from './zone-tokens.ts';

export type RecordText =
  | { readonly code: 'read'; readonly record: ResourceRecord }
  | { readonly code: 'invalid'; readonly reason: string };

const TTL_DEFAULT_S = 3_600;

export function recordFromText(text: string): RecordText {
  try {
    return { code: 'read', record: read(text) };
  } catch (error) {
    if (!(error instanceof ZoneTextError)) throw error;
    return { code: 'invalid', reason: error.message };
  }
}

function read(text: string): ResourceRecord {
  const { words, isIndented } = firstEntry(text);
  const [first, ...rest] = words;
  if (first === undefined) throw new ZoneTextError('no record', { text, line: 1, column: 1 });
  if (isIndented) throw new ZoneTextError('no owner name before', first);
  const owner = first.isQuoted ? undefined : nameFromText(first.text === '@' ? '.' : first.text);
  if (owner === undefined) throw new ZoneTextError('bad owner name', first);
  let ttlS: number | undefined;
  let rclass: number | undefined;
  for (const [index, word] of rest.entries()) {
    const type = typeOf(word);
    if (type !== undefined) {
      const data = rdataFromWords(type, word, rest.slice(index + 1));
      return { owner, type, rclass: rclass ?? QCLASS.IN, ttlS: ttlS ?? TTL_DEFAULT_S, data };
    }
    const namedClass = classOf(word);
    if (namedClass !== undefined && rclass === undefined) rclass = namedClass;
    else if (ttlS === undefined) ttlS = ttlOf(word);
    else throw new ZoneTextError('no class or type', word);
  }
  throw new ZoneTextError('no type behind', rest.at(-1) ?? first);
}

/** `A`, `TYPE65280`; letter case does not matter. */
function typeOf({ text, isQuoted }: ZoneWord): number | undefined {
  if (isQuoted) return undefined;
  const number = typeFromName(text);
  // Questions, signatures of messages and EDNS have no text.
  const isMeta = number === QTYPE.OPT || (number !== undefined && number >= 128 && number <= 255);
  return isMeta ? undefined : number;
}

function classOf({ text, isQuoted }: ZoneWord): number | undefined {
  const number = isQuoted ? undefined : classFromName(text);
  return number === QCLASS.ANY ? undefined : number;
}

function ttlOf(word: ZoneWord): number {
  const ttlS = word.isQuoted ? undefined : secondsOf(word.text);
  if (ttlS === undefined) throw new ZoneTextError('not a TTL', word);
  return ttlS;
}
