/**
 * `template` at work, after CoreDNS's: the first template whose zone, class, type and expressions fit makes the answer; one that
 * only fits by its zone, class and type ends the search with SERVFAIL, unless it falls through. The targets of CNAMEs among the
 * answers are looked up through the whole server where addresses were asked for.
 */
import { compileRegexp, type GoRegexp } from '../base/regexp.ts';
import { compileExpression, type Expression } from '../expression/expression.ts';
import type { Value, ValueType } from '../expression/value.ts';
import { parseTemplate, type Template } from '../gotemplate/template.ts';
import { isBelow, labelOffsets, lowerName, nameFromText, nameToText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { type ResourceRecord, responseOf, sectionsOf } from '../wire/records.ts';
import { className, FLAG, QCLASS, QTYPE, RCODE, typeName } from '../wire/registry.ts';
import { recordFromText } from '../wire/zone-record.ts';
import { zoneMatcher } from './fallthrough.ts';
import type { Labels } from './labels.ts';
import type { Question, Resolution, Stage } from './resolution.ts';
import { TEMPLATE_SECTIONS, type TemplateOptions, type TemplateSection } from './template.ts';
import {
  groupsOf,
  PERSONAL_FIELDS,
  TEMPLATE_FUNCTIONS,
  type TemplateMatch,
  templateData,
} from './template-data.ts';
import { environmentOf, PERSONAL_FUNCTIONS } from './template-environment.ts';

/** What is counted, for the series of CoreDNS. */
export interface TemplateCounts {
  readonly matched: (question: Question, match: TemplateMatch) => void;
  /** `template` is the template's text; it failed, or what it printed is no record. */
  readonly failed: (
    what: 'template' | 'rr',
    question: Question,
    match: TemplateMatch,
    section: TemplateSection,
    template: string,
  ) => void;
  /** A run of one failed because it was too long or made too much. */
  readonly boundExceeded: (language: 'template' | 'expression') => void;
}

export interface TemplateDependencies {
  readonly labels: Labels;
  readonly counts: TemplateCounts;
}

interface CompiledTemplate {
  readonly options: TemplateOptions;
  /** The longest first. */
  readonly zones: readonly { readonly name: Octets; readonly text: string }[];
  readonly patterns: readonly GoRegexp[];
  /** Variables, then conditions. */
  readonly expressions: readonly CompiledCondition[];
  readonly fallsThrough: (qname: Octets) => boolean;
  readonly sections: Readonly<Record<TemplateSection, readonly Template[]>>;
}

/** A condition where there is no variable to set. */
interface CompiledCondition {
  readonly variable: string | undefined;
  readonly expression: Expression;
}

const SERVFAIL: Resolution = { ok: false, rcode: RCODE.SERVFAIL, reason: undefined };

export class TemplateStage implements Stage {
  readonly name = 'template';
  readonly isPersonal: boolean;
  readonly #templates: readonly CompiledTemplate[];
  readonly #labels: Labels;
  readonly #counts: TemplateCounts;

  constructor(templates: readonly TemplateOptions[], { labels, counts }: TemplateDependencies) {
    this.#templates = templates.map(compile);
    this.#labels = labels;
    this.#counts = counts;
    this.isPersonal = templates.some(isPersonal);
  }

  resolve(question: Question): Promise<Resolution> | undefined {
    const name = nameToText(question.qname);
    for (const template of this.#templates) {
      const zone = zoneOf(template, question);
      if (zone === undefined) continue;
      const match = this.#match(template, question, name, zone);
      if (typeof match === 'string') {
        return Promise.resolve({ ok: false, rcode: RCODE.SERVFAIL, reason: match });
      }
      if (match !== undefined) {
        this.#counts.matched(question, match);
        return this.#answer(template, question, match);
      }
      if (!template.fallsThrough(question.qname)) return Promise.resolve(SERVFAIL);
    }
    return undefined;
  }

  /** Undefined where it does not fit; a text is why nobody can tell. */
  #match(
    template: CompiledTemplate,
    question: Question,
    name: string,
    zone: string,
  ): TemplateMatch | string | undefined {
    const { options, expressions } = template;
    const found = patternMatch(template, name);
    if (found === undefined) return undefined;
    const variables = new Map<string, Value>();
    if (expressions.length > 0) {
      const bindings = {
        functions: environmentOf(question, groupsOf(found), this.#labelsOf(question)),
        variables,
      };
      for (const { variable, expression } of expressions) {
        const result = expression.run(bindings);
        if (result.code === 'failed') {
          if (result.isBound) this.#counts.boundExceeded('expression');
          return `template: ${variable ?? 'expr'}: ${result.reason}`;
        }
        if (variable !== undefined) variables.set(variable, result.value);
        else if (result.value !== true) return undefined;
      }
    }
    const qclass = question.qclass === QCLASS.ANY ? options.qclass : question.qclass;
    const qtype = question.qtype === QTYPE.ANY ? options.qtype : question.qtype;
    return {
      zone,
      name,
      qclass: className(qclass).replace(/^CLASS\d+$/, ''),
      qtype: typeName(qtype).replace(/^TYPE\d+$/, ''),
      ...found,
      variables,
    };
  }

  /** The value of a label of `metadata`. */
  #labelsOf({ qname, span }: Question): (label: string) => string {
    return (label) => this.#labels.valueOf(label, qname, { traceId: span?.traceId });
  }

  async #answer(
    template: CompiledTemplate,
    question: Question,
    match: TemplateMatch,
  ): Promise<Resolution> {
    const { rcode } = template.options;
    if (rcode === RCODE.SERVFAIL) return SERVFAIL;
    const records: Record<TemplateSection, readonly ResourceRecord[]> = {
      answer: [],
      additional: [],
      authority: [],
    };
    for (const section of TEMPLATE_SECTIONS) {
      const made = this.#records(template, question, match, section);
      if (typeof made === 'string') return { ok: false, rcode: RCODE.SERVFAIL, reason: made };
      records[section] = made;
    }
    const { answer, flags } = await followed(records.answer, question);
    const sections = { ...records, answer };
    const response = responseOf(question, { flags: FLAG.AA | flags, rcode, sections });
    if (response !== undefined) {
      const body = { ...response.body, extendedError: template.options.extendedError };
      return { ok: true, response: { ...response, body }, by: 'template' };
    }
    const reason = 'the answer of a template does not fit into a message, or is malformed';
    return { ok: false, rcode: RCODE.SERVFAIL, reason };
  }

  /** The records of a section; a text says why there are none. */
  #records(
    { sections }: CompiledTemplate,
    question: Question,
    match: TemplateMatch,
    section: TemplateSection,
  ): readonly ResourceRecord[] | string {
    const data = templateData(match, question, this.#labelsOf(question));
    const records: ResourceRecord[] = [];
    for (const template of sections[section]) {
      const printed = template.execute(data);
      if (printed.code === 'failed') {
        this.#counts.failed('template', question, match, section, template.toString());
        if (printed.isBound) this.#counts.boundExceeded('template');
        return printed.reason;
      }
      const read = recordFromText(printed.text);
      if (read.code === 'invalid') {
        this.#counts.failed('rr', question, match, section, template.toString());
        return read.reason;
      }
      records.push(read.record);
    }
    return records;
  }
}

function isPersonal(options: TemplateOptions): boolean {
  const texts = TEMPLATE_SECTIONS.flatMap((section) => options[section]);
  const expressions = [
    ...options.conditions,
    ...options.variables.map(({ expression }) => expression),
  ];
  return (
    texts.some((text) => PERSONAL_FIELDS.test(text)) ||
    expressions.some((text) => PERSONAL_FUNCTIONS.test(text))
  );
}

function compile(options: TemplateOptions): CompiledTemplate {
  const zones = options.zones.map((text) => ({ name: nameFromText(text)!, text }));
  zones.sort((left, right) => labelOffsets(right.name).length - labelOffsets(left.name).length);
  const templatesOf = (section: TemplateSection) =>
    options[section].map((text) => {
      const parsed = parseTemplate(section, text, TEMPLATE_FUNCTIONS);
      if (parsed.code === 'parsed') return parsed.template;
      throw new Error(`checked when the Corefile was read: ${text}`);
    });
  return {
    options,
    zones,
    patterns: options.match.map((pattern) => {
      const compiled = compileRegexp(pattern);
      if (compiled.code === 'compiled') return compiled.regexp;
      throw new Error(`checked when the Corefile was read: ${pattern}`);
    }),
    expressions: expressionsOf(options),
    fallsThrough: zoneMatcher(options.fallthrough),
    sections: {
      answer: templatesOf('answer'),
      additional: templatesOf('additional'),
      authority: templatesOf('authority'),
    },
  };
}

function expressionsOf({ variables, conditions }: TemplateOptions): CompiledCondition[] {
  const types = new Map<string, ValueType>();
  const functions = environmentOf(undefined, new Map(), () => '');
  const compiledOf = (text: string) => {
    const compiled = compileExpression(text, { functions, variables: types });
    if (compiled.code === 'compiled') return compiled;
    throw new Error(`checked when the Corefile was read: ${text}`);
  };
  const settings = variables.map(({ name, expression: text }) => {
    const { expression, type } = compiledOf(text);
    types.set(name, type);
    return { variable: name, expression };
  });
  const tests = conditions.map((text) => {
    return { variable: undefined, expression: compiledOf(text).expression };
  });
  return [...settings, ...tests];
}

/** The template's zone that the name is in; undefined where zone, class or type say that the question is not its business. */
function zoneOf({ options, zones }: CompiledTemplate, question: Question): string | undefined {
  const { qclass, qtype } = options;
  if (!meets(qclass, question.qclass, QCLASS.ANY) || !meets(qtype, question.qtype, QTYPE.ANY)) {
    return undefined;
  }
  return zones.find(({ name }) => isBelow(question.qname, name))?.text;
}

/** Without a pattern every name fits. */
function patternMatch(
  { patterns }: CompiledTemplate,
  name: string,
): Pick<TemplateMatch, 'groups' | 'groupNames' | 'pattern'> | undefined {
  if (patterns.length === 0) return { groups: [name], groupNames: [''], pattern: '.*' };
  for (const regexp of patterns) {
    const groups = regexp.match(name);
    if (groups === undefined) continue;
    return { groups, groupNames: regexp.groupNames, pattern: regexp.pattern };
  }
  return undefined;
}

function meets(own: number, asked: number, any: number): boolean {
  return own === any || asked === any || own === asked;
}

/** Records with what the targets of CNAMEs among them have, each behind its CNAME; TC where that was cut off. */
async function followed(
  records: readonly ResourceRecord[],
  question: Question,
): Promise<{ answer: ResourceRecord[]; flags: number }> {
  const { qtype, askAgain } = question;
  const asksAddress = qtype === QTYPE.A || qtype === QTYPE.AAAA;
  const answer: ResourceRecord[] = [];
  let flags = 0;
  for (const record of records) {
    answer.push(record);
    if (!asksAddress || record.type !== QTYPE.CNAME || askAgain === undefined) continue;
    const target = { ...question, qname: lowerName(record.data) };
    const resolution = await askAgain(target);
    if (!resolution.ok) continue;
    const { body } = resolution.response;
    answer.push(...sectionsOf(body, target).answer);
    flags = body.flags & FLAG.TC;
  }
  return { answer, flags };
}
