/**
 * `template CLASS TYPE [ZONE...] { match REGEX...; var NAME EXPRESSION; expr EXPRESSION; answer|additional|authority RR...;
 * rcode CODE; ederror CODE [REASON]; fallthrough [ZONE...] }`: answers made of the question. It may repeat; the first that
 * takes a question decides.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import { compileExpression } from '../expression/expression.ts';
import { isVariableName } from '../expression/names.ts';
import type { ValueType } from '../expression/value.ts';
import { parseTemplate } from '../gotemplate/template.ts';
import type { ExtendedError } from '../wire/extended-error.ts';
import { classFromName, RCODE, rcodeFromName, typeFromName } from '../wire/registry.ts';
import {
  argumentsBeforeBlock,
  fail,
  failOption,
  integerOf,
  optionArgument,
  optionArguments,
  regexpOf,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readFallthrough } from './fallthrough.ts';
import { TEMPLATE_FUNCTIONS } from './template-data.ts';
import { environmentOf } from './template-environment.ts';
import { readZoneList } from './zone-key.ts';

export const TEMPLATE_SECTIONS = ['answer', 'additional', 'authority'] as const;
export type TemplateSection = (typeof TEMPLATE_SECTIONS)[number];

export interface TemplateOptions {
  /** ANY is for all. */
  readonly qclass: number;
  readonly qtype: number;
  readonly zones: readonly string[];
  /** Regular expressions in Go's syntax, tried in order; without any every name fits. */
  readonly match: readonly string[];
  /** Expressions whose values templates see as `.Var.NAME`; each may use those before it. */
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  /** Expressions that must all be true. */
  readonly conditions: readonly string[];
  /** Go templates, each for one record. */
  readonly answer: readonly string[];
  readonly additional: readonly string[];
  readonly authority: readonly string[];
  readonly rcode: number;
  readonly extendedError: ExtendedError | undefined;
  /** Zones whose names go on where this one does not fit; empty: none. */
  readonly fallthrough: readonly string[];
}

/** Names that CoreDNS takes beside the registry's. */
const RCODE_ALIASES: Readonly<Record<string, number>> = {
  NOTIMPL: RCODE.NOTIMP,
  BADSIG: RCODE.BADVERS,
};
/** By their types only. */
const FUNCTIONS = environmentOf(undefined, new Map(), () => '');
const SOME = { min: 1, max: Number.POSITIVE_INFINITY };

type Draft = { -readonly [Key in keyof TemplateOptions]: TemplateOptions[Key] } & {
  /** Types of the variables so far. */
  readonly types: Map<string, ValueType>;
};
type OptionReader = (draft: Draft, option: Directive, context: BlockContext) => void;

const OPTION_READERS: Readonly<Record<string, OptionReader>> = {
  match(draft, option) {
    const words = optionArguments('template', option, SOME);
    const patterns = words.map((word) => regexpOf('template', word, 'match').pattern);
    draft.match = [...draft.match, ...patterns];
  },
  var(draft, option) {
    const bounds = { min: 2, max: Number.POSITIVE_INFINITY };
    const [name, ...words] = optionArguments('template', option, bounds) as [Word, ...Word[]];
    const isTaken = FUNCTIONS.has(name.text) || draft.types.has(name.text);
    if (!isVariableName(name.text) || isTaken) {
      fail('template', name, `var: '${name.text}': expected a name that is not taken`);
    }
    const { text, type } = expressionOf(draft, 'var', words);
    draft.types.set(name.text, type);
    draft.variables = [...draft.variables, { name: name.text, expression: text }];
  },
  expr(draft, option) {
    const { text } = expressionOf(draft, 'expr', optionArguments('template', option, SOME));
    draft.conditions = [...draft.conditions, text];
  },
  ...Object.fromEntries(
    TEMPLATE_SECTIONS.map((section): [string, OptionReader] => [
      section,
      (draft, option) => {
        const words = optionArguments('template', option, SOME);
        draft[section] = [...draft[section], ...words.map((word) => templateOf(section, word))];
      },
    ]),
  ),
  rcode(draft, option) {
    const word = optionArgument('template', option);
    draft.rcode =
      rcodeFromName(word.text) ??
      RCODE_ALIASES[word.text] ??
      fail('template', word, `'${word.text}': expected an rcode such as NXDOMAIN`);
  },
  ederror(draft, option) {
    const [code, reason] = optionArguments('template', option, { min: 1, max: 2 });
    draft.extendedError = {
      code: integerOf('template', code!, { min: 0, max: 0xffff }),
      text: reason?.text ?? '',
    };
  },
  fallthrough(draft, option, context) {
    draft.fallthrough = readFallthrough('template', option, context);
  },
  // CoreDNS once had it and passes over it.
  upstream() {},
};

const OPTIONS = new Map(Object.entries(OPTION_READERS));

/** In the order of the file. */
export function readTemplates(
  lines: readonly Directive[],
  context: BlockContext,
): readonly TemplateOptions[] {
  return lines.map((line) => readTemplate(line, context));
}

function readTemplate(line: Directive, context: BlockContext): TemplateOptions {
  const bounds = { min: 2, max: Number.POSITIVE_INFINITY };
  const [qclass, qtype, ...zones] = argumentsBeforeBlock(line, bounds);
  const draft: Draft = {
    qclass: named(qclass!, classFromName, 'a class such as IN or ANY'),
    qtype: named(qtype!, typeFromName, 'a type such as AAAA or ANY'),
    zones: zones.length === 0 ? context.zones : readZoneList('template', zones, context),
    match: [],
    variables: [],
    conditions: [],
    types: new Map(),
    answer: [],
    additional: [],
    authority: [],
    rcode: RCODE.NOERROR,
    extendedError: undefined,
    fallthrough: [],
  };
  for (const option of line.block ?? []) {
    const known = [...OPTIONS.keys()].filter((name) => name !== 'upstream');
    const read = OPTIONS.get(option.name.text) ?? failOption('template', option, known);
    read(draft, option, context);
  }
  const { types: _, ...options } = draft;
  return options;
}

function named(
  word: Word,
  numberOf: (text: string) => number | undefined,
  expected: string,
): number {
  return numberOf(word.text) ?? fail('template', word, `'${word.text}': expected ${expected}`);
}

/** The words as one expression, and what it comes to. */
function expressionOf(
  { types }: Draft,
  option: string,
  words: readonly Word[],
): { text: string; type: ValueType } {
  const text = words.map((word) => word.text).join(' ');
  const compiled = compileExpression(text, { functions: FUNCTIONS, variables: types });
  if (compiled.code === 'compiled') return { text, type: compiled.type };
  return fail('template', words[0]!, `${option}: expected an expression: ${compiled.reason}`);
}

function templateOf(section: TemplateSection, word: Word): string {
  const parsed = parseTemplate(section, word.text, TEMPLATE_FUNCTIONS);
  if (parsed.code === 'parsed') return word.text;
  return fail('template', word, `${section}: expected a Go template: ${parsed.reason}`);
}
