/** The words of each kind of `rewrite` rule, behind the name of its field. */
import type { Word } from '../corefile/ast.ts';
import { classFromName, RCODE, typeFromName } from '../wire/registry.ts';
import { fail, oneOf, rcodeOf, regexpOf, unsignedOf } from './argument.ts';
import {
  EDNS_CODE,
  EDNS_VARIABLES,
  type EdnsAction,
  type EdnsData,
  type EdnsVariable,
} from './edns-rewrite.ts';
import {
  groupCount,
  groupUses,
  MATCH_KINDS,
  type MatchKind,
  type NameMatch,
} from './name-match.ts';
import type { AnswerRewrite, RewriteAction } from './rewrite-rule.ts';

export type FieldName = RewriteAction['field'];

/** Is told the field's word, and the words behind it. */
type FieldReader = (field: Word, args: readonly Word[]) => RewriteAction;

/** The end of a range that has none, as in CoreDNS. */
const TTL_OPEN_END_S = 2 ** 31 - 1;
const TTL_MAX_S = 2 ** 32 - 1;
/** Our question has to fit into what UDP carries unfragmented, beside a name of 255 octets. */
const EDNS_DATA_SIZE_MAX = 512;

export const FIELD_READERS: Readonly<Record<FieldName, FieldReader>> = {
  name: readName,
  type: (field, args) => {
    const [from, to] = exactly(field, args, 2);
    return { field: 'type', from: typeOf(from!), to: typeOf(to!) };
  },
  class: (field, args) => {
    const [from, to] = exactly(field, args, 2);
    return { field: 'class', from: classOf(from!), to: classOf(to!) };
  },
  ttl: (field, args) => {
    const { match, rest } = readMatch(field, args, 1);
    return { field: 'ttl', match, ...ttlRangeOf(rest[0]!) };
  },
  rcode: (field, args) => {
    const { match, rest } = readMatch(field, args, 2);
    return { field: 'rcode', match, from: anyRcodeOf(rest[0]!), to: anyRcodeOf(rest[1]!) };
  },
  cname: (field, args) => {
    const { match, rest } = readMatch(field, args, 1);
    const to = rest[0]!.text.toLowerCase();
    return { field: 'cname', match, to: match.kind === 'exact' ? absolute(to) : to };
  },
  edns0: readEdns,
};

function readName(field: Word, args: readonly Word[]): RewriteAction {
  if (args.length < 2) fail('rewrite', field, 'name: expected [MATCH] FROM TO');
  const kind = args.length === 2 ? 'exact' : kindOf(args[0]!);
  const [from, to, ...options] = args.length === 2 ? args : args.slice(1);
  const match = matchOf(kind, from!, true);
  if (kind === 'regex') checkGroups(from!, to!);
  const { isAuto, answers } = readAnswers(field, options);
  const isReverted = isAuto || kind === 'exact';
  return { field: 'name', match, to: absolute(to!.text.toLowerCase()), isReverted, answers };
}

/** `answer auto`, `answer name FROM TO`, `answer value FROM TO`; `answer` may be left out from the second on. */
function readAnswers(
  field: Word,
  words: readonly Word[],
): { isAuto: boolean; answers: AnswerRewrite[] } {
  const rest = [...words];
  const answers: AnswerRewrite[] = [];
  let isAuto = false;
  if (rest[0] !== undefined && rest[0].text !== 'answer') {
    fail('rewrite', rest[0], `unexpected '${rest[0].text}': expected answer`);
  }
  while (rest.length > 0) {
    const answer = rest[0]!.text === 'answer' ? rest.shift()! : field;
    const kind = rest.shift();
    if (kind === undefined) return fail('rewrite', answer, 'answer: expected auto, name or value');
    const what = oneOf('rewrite', kind, ['auto', 'name', 'value']);
    if (what === 'auto') {
      isAuto = true;
      continue;
    }
    const [from, to] = rest.splice(0, 2);
    if (from === undefined || to === undefined) {
      return fail('rewrite', kind, `answer ${what}: expected FROM TO`);
    }
    checkGroups(from, to);
    answers.push({
      what,
      match: { kind: 'regex', from: from.text },
      to: absolute(to.text.toLowerCase()),
    });
  }
  if (isAuto && answers.some(({ what }) => what === 'name')) {
    fail('rewrite', field, 'answer auto: expected no answer name beside it');
  }
  return { isAuto, answers };
}

function checkGroups(from: Word, to: Word): void {
  const count = groupCount(regexpOf('rewrite', from, 'regex'));
  if (groupUses(to.text) <= count) return;
  fail('rewrite', to, `'${to.text}': expected at most ${count} groups of '${from.text}'`);
}

/** `[MATCH] NAME` and so many words behind it. */
function readMatch(
  field: Word,
  args: readonly Word[],
  count: number,
): { match: NameMatch; rest: readonly Word[] } {
  const name = field.text.toLowerCase();
  const hasKind = args.length === count + 2;
  if (!hasKind && args.length !== count + 1) {
    fail('rewrite', field, `${name}: expected [MATCH] and ${count + 1} words`);
  }
  const kind = hasKind ? kindOf(args[0]!) : 'exact';
  const [from, ...rest] = hasKind ? args.slice(1) : args;
  // CoreDNS completes the parts of a CNAME's target with a dot only where the whole is compared.
  return { match: matchOf(kind, from!, name !== 'cname' || kind === 'exact'), rest };
}

function matchOf(kind: MatchKind, from: Word, isCompleted: boolean): NameMatch {
  if (kind === 'regex') {
    regexpOf('rewrite', from, 'regex');
    return { kind, from: from.text };
  }
  const text = from.text.toLowerCase();
  return { kind, from: isCompleted ? absolute(text) : text };
}

function kindOf(word: Word): MatchKind {
  return oneOf('rewrite', { ...word, text: word.text.toLowerCase() }, MATCH_KINDS);
}

/** With a final dot, as CoreDNS completes every text of a rule; so a prefix is one of whole labels. */
function absolute(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

function exactly(field: Word, args: readonly Word[], count: number): readonly Word[] {
  if (args.length === count) return args;
  return fail('rewrite', field, `${field.text.toLowerCase()}: expected ${count} arguments`);
}

function typeOf(word: Word): number {
  return (
    typeFromName(word.text) ??
    fail('rewrite', word, `'${word.text}': expected a type such as AAAA or TYPE65`)
  );
}

function classOf(word: Word): number {
  return (
    classFromName(word.text) ??
    fail('rewrite', word, `'${word.text}': expected a class such as IN or CH`)
  );
}

/** A name or a number. */
function anyRcodeOf(word: Word): number {
  const number = /^\d{1,2}$/.test(word.text) ? Number(word.text) : undefined;
  const isKnown = Object.values<number | undefined>(RCODE).includes(number);
  return isKnown ? number! : rcodeOf('rewrite', word);
}

/** `30`, `30-300`, `-300`, `30-`. */
function ttlRangeOf(word: Word): { minS: number; maxS: number } {
  const [, min = '', dash, max = ''] = /^(\d*)(-?)(\d*)$/.exec(word.text) ?? [];
  const minS = Number(min);
  const maxS = dash === '-' ? (max === '' ? TTL_OPEN_END_S : Number(max)) : minS;
  if (min + max === '' || minS > maxS || maxS > TTL_MAX_S) {
    fail('rewrite', word, `'${word.text}': expected SECONDS, MIN-MAX, -MAX or MIN-`);
  }
  return { minS, maxS };
}

function readEdns(field: Word, args: readonly Word[]): RewriteAction {
  const [kindWord, actionWord, ...words] = args;
  if (kindWord === undefined || actionWord === undefined) {
    return fail('rewrite', field, 'edns0: expected local, nsid or subnet, and an action');
  }
  const kind = oneOf('rewrite', lower(kindWord), ['local', 'nsid', 'subnet']);
  const action = oneOf('rewrite', lower(actionWord), ['set', 'append', 'replace', 'unset']);
  const hasRevert = action !== 'unset' && words.at(-1)?.text === 'revert';
  const rest = hasRevert ? words.slice(0, -1) : words;
  const option = EDNS_READERS[kind](actionWord, action, rest);
  return { field: 'edns0', action, ...option };
}

function lower(word: Word): Word {
  return { ...word, text: word.text.toLowerCase() };
}

type EdnsReader = (
  at: Word,
  action: EdnsAction,
  words: readonly Word[],
) => { code: number; data: EdnsData };

const NO_DATA: EdnsData = { kind: 'octets', hex: '' };

const EDNS_READERS: Readonly<Record<'local' | 'nsid' | 'subnet', EdnsReader>> = {
  local(at, action, words) {
    const [code, data] = exactly(at, words, action === 'unset' ? 1 : 2);
    return { code: codeOf(code!), data: data ? dataOf(data) : NO_DATA };
  },
  nsid(at, _action, words) {
    exactly(at, words, 0);
    return { code: EDNS_CODE.NSID, data: NO_DATA };
  },
  subnet(at, action, words) {
    const [ipv4, ipv6] = exactly(at, words, action === 'unset' ? 0 : 2);
    if (ipv4 === undefined || ipv6 === undefined) return { code: EDNS_CODE.SUBNET, data: NO_DATA };
    const data = {
      kind: 'subnet',
      ipv4Bits: bitsOf(ipv4, 32),
      ipv6Bits: bitsOf(ipv6, 128),
    } as const;
    return { code: EDNS_CODE.SUBNET, data };
  },
};

function codeOf(word: Word): number {
  const code = unsignedOf(word.text);
  if (code !== undefined && code <= 0xffff) return code;
  return fail('rewrite', word, `'${word.text}': expected an option code from 0 to 65535`);
}

function bitsOf(word: Word, max: number): number {
  const bits = unsignedOf(word.text);
  if (bits !== undefined && bits <= max) return bits;
  return fail('rewrite', word, `'${word.text}': expected a prefix length from 0 to ${max}`);
}

/** `0x...` in hexadecimal, `{variable}`, `{plugin/label}`, or text. */
function dataOf(word: Word): EdnsData {
  const { text } = word;
  const inBraces = /^\{(.*)\}$/s.exec(text)?.[1];
  if (inBraces !== undefined) {
    if ((EDNS_VARIABLES as readonly string[]).includes(inBraces)) {
      return { kind: 'variable', name: inBraces as EdnsVariable };
    }
    if (/^[^/]+\/.+$/.test(inBraces)) return { kind: 'label', label: inBraces };
    const known = EDNS_VARIABLES.map((name) => `{${name}}`).join(', ');
    fail('rewrite', word, `'${text}': expected ${known} or a label such as {plugin/name}`);
  }
  if (text.length > EDNS_DATA_SIZE_MAX) {
    fail('rewrite', word, `expected at most ${EDNS_DATA_SIZE_MAX} characters of option data`);
  }
  if (!text.startsWith('0x')) return { kind: 'octets', hex: Buffer.from(text).toString('hex') };
  if (/^0x(?:[\da-f]{2})*$/i.test(text)) return { kind: 'octets', hex: text.slice(2) };
  return fail('rewrite', word, `'${text}': expected hexadecimal octets behind 0x`);
}
