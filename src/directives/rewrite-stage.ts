/**
 * `rewrite` at work: the rules in the order of the file change the question, the first that applies and does not `continue` is the
 * last; what comes back passes their counterparts in reverse order. The client sees its own question again.
 *
 * In CoreDNS 1.14.4, which this follows, `rewrite` stands behind the cache: entries belong to the name that was asked.
 */
import { nameFromText, nameToText } from '../wire/name.ts';
import { NO_RECORDS, responseOf, sectionsOf } from '../wire/records.ts';
import { RCODE } from '../wire/registry.ts';
import type { Response } from '../wire/response.ts';
import { isClientsOwn, rewriteOptions } from './edns-rewrite.ts';
import type { Labels } from './labels.ts';
import { compileMatch, type NameMatcher } from './name-match.ts';
import type { Next, Question, Resolution, Stage } from './resolution.ts';
import {
  type Answer,
  type AnswerChange,
  nameChange,
  rcodeChange,
  redirectCname,
  ttlChange,
  valueChange,
} from './rewrite-answer.ts';
import type { NameRewrite, RewriteRule } from './rewrite-rule.ts';

/** A question under way through the rules; its name as text. */
interface Draft {
  readonly question: Question;
  readonly name: string;
}

interface Applied {
  readonly draft: Draft;
  readonly changes: readonly AnswerChange[];
}

interface Rule {
  readonly continues: boolean;
  /** Undefined where the rule does not apply. */
  readonly apply: (draft: Draft) => Applied | undefined;
}

export class RewriteStage implements Stage {
  readonly name = 'rewrite';
  readonly isPersonal: boolean;
  readonly #rules: readonly Rule[];

  constructor(rules: readonly RewriteRule[], labels: Labels) {
    this.isPersonal = rules.some((rule) => rule.field === 'edns0' && isClientsOwn(rule));
    this.#rules = rules.map((rule) => ({
      continues: rule.continues,
      apply: applierOf(rule, labels),
    }));
  }

  resolve(question: Question, next: Next): Promise<Resolution> | undefined {
    let draft: Draft = { question, name: nameToText(question.qname) };
    const changes: AnswerChange[] = [];
    let isApplied = false;
    for (const { continues, apply } of this.#rules) {
      const applied = apply(draft);
      if (applied === undefined) continue;
      isApplied = true;
      draft = applied.draft;
      changes.push(...applied.changes);
      if (!continues) break;
    }
    if (!isApplied) return undefined;
    const qname = nameFromText(draft.name);
    if (qname === undefined) {
      const reason = `invalid name after rewrite: ${draft.name}`;
      return Promise.resolve({ ok: false, rcode: RCODE.SERVFAIL, reason });
    }
    return answerOf(question, { ...draft.question, qname }, changes.reverse(), next);
  }
}

async function answerOf(
  original: Question,
  rewritten: Question,
  changes: readonly AnswerChange[],
  next: Next,
): Promise<Resolution> {
  const resolution = await next(rewritten);
  const answer = answerFrom(resolution, rewritten);
  for (const change of changes) await change(answer, rewritten, next);
  // A failure stays one unless a rule has made an rcode of it.
  if (!resolution.ok && answer.rcode === resolution.rcode) return resolution;
  const { flags, rcode } = answer;
  const response = responseOf(original, { flags, rcode, sections: answer.sections });
  if (response === undefined) {
    const reason = 'the rewritten answer does not fit into a message';
    return { ok: false, rcode: RCODE.SERVFAIL, reason };
  }
  if (!resolution.ok) return { ok: true, response, by: 'rewrite' };
  return { ...resolution, response: withOldFacts(response, resolution.response) };
}

/** A failure is an answer without records, as CoreDNS's reverter makes one. */
function answerFrom(resolution: Resolution, question: Question): Answer {
  if (!resolution.ok) return { flags: 0, rcode: resolution.rcode, sections: NO_RECORDS };
  const { body } = resolution.response;
  return { flags: body.flags, rcode: body.rcode, sections: sectionsOf(body, question) };
}

/** What cannot be seen in the records any more. */
function withOldFacts(response: Response, { facts }: Response): Response {
  const { hasOpt, opcode, hasExpiredSignature } = facts;
  return { ...response, facts: { ...response.facts, hasOpt, opcode, hasExpiredSignature } };
}

/** What a rule does with a question. */
function applierOf(rule: RewriteRule, labels: Labels): Rule['apply'] {
  switch (rule.field) {
    case 'name':
      return nameApplier(rule);
    case 'type':
    case 'class': {
      const key = rule.field === 'type' ? 'qtype' : 'qclass';
      return ({ question, name }) =>
        question[key] === rule.from
          ? { draft: { question: { ...question, [key]: rule.to }, name }, changes: [] }
          : undefined;
    }
    case 'ttl':
      return whereNamed(rule.match, [ttlChange(rule.minS, rule.maxS)]);
    case 'rcode':
      return whereNamed(rule.match, [rcodeChange(rule.from, rule.to)]);
    case 'cname': {
      const change = redirectCname(compileMatch(rule.match), rule.to);
      return (draft) => ({ draft, changes: [change] });
    }
    case 'edns0':
      return ({ question, name }) => {
        const ednsOptions = rewriteOptions(
          rule,
          { ...question, qname: nameFromText(name)! },
          labels,
        );
        return (
          ednsOptions && { draft: { question: { ...question, ednsOptions }, name }, changes: [] }
        );
      };
  }
}

/** A rule about responses to questions for some names. */
function whereNamed(
  match: Parameters<typeof compileMatch>[0],
  changes: readonly AnswerChange[],
): Rule['apply'] {
  const matcher = compileMatch(match);
  return (draft) => (matcher.matches(draft.name) ? { draft, changes } : undefined);
}

function nameApplier(rule: NameRewrite): Rule['apply'] {
  const matcher = compileMatch(rule.match);
  const changes = rule.answers.map(({ what, match, to }) => {
    const answerMatcher = compileMatch(match);
    const change = (text: string) => answerMatcher.replace(text, to) ?? text;
    return what === 'name' ? nameChange(change) : valueChange(change);
  });
  return ({ question, name }) => {
    const renamed = matcher.replace(name, rule.to);
    if (renamed === undefined) return undefined;
    const reverting = rule.isReverted ? revertingChanges(rule, name, renamed) : [];
    return { draft: { question, name: renamed }, changes: [...reverting, ...changes] };
  };
}

/** CoreDNS's `auto`: a suffix rule turned round; for others the rewritten name, and names below it, back to the original. */
function revertingChanges(rule: NameRewrite, name: string, renamed: string): AnswerChange[] {
  const { kind, from } = rule.match;
  const back: NameMatcher = compileMatch(
    kind === 'suffix' ? { kind, from: rule.to } : { kind: 'exact', from: renamed },
  );
  const below = `.${renamed}`;
  const change = (text: string): string => {
    if (kind === 'suffix') return back.replace(text, from) ?? text;
    if (text.endsWith(below)) return text.slice(0, -renamed.length) + name;
    return back.replace(text, name) ?? text;
  };
  return [nameChange(change), valueChange(change)];
}
