/** What the rules of `rewrite` do to an answer on its way back: owners, names in RDATA, TTLs, the rcode, a CNAME's target. */
import { nameFromText, nameToText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { type ResourceRecord, type Sections, sectionsOf } from '../wire/records.ts';
import { FLAG, QTYPE } from '../wire/registry.ts';
import type { NameMatcher } from './name-match.ts';
import type { Next, Question } from './resolution.ts';

/** An answer under way; a change writes into it. */
export interface Answer {
  flags: number;
  rcode: number;
  sections: Sections;
}

/** `question` is the one that was answered. */
export type AnswerChange = (answer: Answer, question: Question, next: Next) => Promise<void> | void;

/** Octets in front of the name that `answer value` changes: the same types as in CoreDNS; of SOA only MNAME. */
const VALUE_AT: ReadonlyMap<number, number> = new Map([
  [QTYPE.NS, 0],
  [QTYPE.CNAME, 0],
  [QTYPE.SOA, 0],
  [QTYPE.PTR, 0],
  [QTYPE.DNAME, 0],
  [QTYPE.MX, 2],
  [QTYPE.SRV, 6],
]);

export function nameChange(change: (name: string) => string): AnswerChange {
  return eachRecord((record) => ({ ...record, owner: changed(record.owner, change) }));
}

export function valueChange(change: (name: string) => string): AnswerChange {
  return eachRecord((record) => {
    const at = valueAt(record);
    if (at === undefined) return record;
    const name = record.data.subarray(at, at + spanOf(record.data, at));
    const rest = record.data.subarray(at + name.length);
    const before = record.data.subarray(0, at);
    return { ...record, data: Uint8Array.from([...before, ...changed(name, change), ...rest]) };
  });
}

export function ttlChange(minS: number, maxS: number): AnswerChange {
  return eachRecord((record) => {
    return { ...record, ttlS: Math.min(Math.max(record.ttlS, minS), maxS) };
  });
}

export function rcodeChange(from: number, to: number): AnswerChange {
  return (answer) => {
    if (answer.rcode === from) answer.rcode = to;
  };
}

/**
 * The first CNAME whose target is found leads elsewhere: the records up to it stay, those behind it are what the server says of the
 * new target. Where it fails, the answer stays as it was.
 */
export function redirectCname(matcher: NameMatcher, to: string): AnswerChange {
  return async (answer, question, next) => {
    const records = answer.sections.answer;
    const targetOf = ({ type, data }: ResourceRecord) =>
      type === QTYPE.CNAME ? matcher.replace(nameToText(data).toLowerCase(), to) : undefined;
    const at = records.findIndex((record) => targetOf(record) !== undefined);
    const qname = at < 0 ? undefined : nameFromText(targetOf(records[at]!)!);
    if (qname === undefined) return;
    const target = { ...question, qname };
    const resolution = await (question.askAgain ?? next)(target);
    if (!resolution.ok) return;
    const { body } = resolution.response;
    const kept = records.slice(0, at).filter(({ type }) => type === QTYPE.CNAME);
    const cname = { ...records[at]!, data: qname };
    const found = sectionsOf(body, target).answer;
    answer.sections = { ...answer.sections, answer: [...kept, cname, ...found] };
    answer.flags = (answer.flags & ~FLAG.TC) | (body.flags & FLAG.TC);
  };
}

function eachRecord(change: (record: ResourceRecord) => ResourceRecord): AnswerChange {
  return (answer) => {
    const { answer: records, authority, additional } = answer.sections;
    answer.sections = {
      answer: records.map(change),
      authority: authority.map(change),
      additional: additional.map(change),
    };
  };
}

/** A name that would become none stays as it is. */
function changed(name: Octets, change: (name: string) => string): Octets {
  const text = nameToText(name);
  const to = change(text);
  return to === text ? name : (nameFromText(to) ?? name);
}

function valueAt({ type, data }: ResourceRecord): number | undefined {
  if (type === QTYPE.NAPTR) return naptrValueAt(data);
  const at = VALUE_AT.get(type);
  return at === undefined || at >= data.length ? undefined : at;
}

/** Behind order, preference and three character-strings (RFC 3403 §4.1). */
function naptrValueAt(data: Octets): number | undefined {
  let at = 4;
  for (let count = 3; count > 0 && at < data.length; count--) at += data[at]! + 1;
  return at < data.length ? at : undefined;
}

/** Octets of the uncompressed name at `at`. */
function spanOf(data: Octets, at: number): number {
  let end = at;
  while (data[end]! > 0) end += data[end]! + 1;
  return end + 1 - at;
}
