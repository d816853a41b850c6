/**
 * What a template of the `template` directive sees: CoreDNS's data (`.Zone`, `.Name`, `.Match`, `.Group` ...) and its function
 * `parseInt`. Type names are those that CoreDNS's messages show.
 */

import type { Value } from '../expression/value.ts';
import { textOf } from '../gotemplate/octet-string.ts';
import { PARSE_UINT } from '../gotemplate/parse-uint.ts';
import {
  type GoFunction,
  type GoStruct,
  stringMapValue,
  stringsValue,
  stringValue,
} from '../gotemplate/value.ts';
import type { Question } from './resolution.ts';
import { messageValue, questionValue } from './template-message.ts';
import { mapValueOf } from './template-values.ts';

export const TEMPLATE_FUNCTIONS: Readonly<Record<string, GoFunction>> = { parseInt: PARSE_UINT };

/** How a question fits a template. */
export interface TemplateMatch {
  /** The template's zone that holds the name, as text. */
  readonly zone: string;
  readonly name: string;
  /** Empty where the number has no name, as in CoreDNS. */
  readonly qclass: string;
  readonly qtype: string;
  /** By number; the whole name's match is the first. */
  readonly groups: readonly string[];
  /** Empty where a group has none. */
  readonly groupNames: readonly string[];
  readonly pattern: string;
  readonly variables: ReadonlyMap<string, Value>;
}

/** Templates whose text has one of these say something about the client: its answer is not for others. */
export const PERSONAL_FIELDS = /\b(?:Remote|Message|Meta)\b/;

/** By number and by name. */
export function groupsOf({
  groups,
  groupNames,
}: Pick<TemplateMatch, 'groups' | 'groupNames'>): ReadonlyMap<string, string> {
  const byKey = new Map(groups.map((group, index) => [String(index), group]));
  for (const [index, group] of groups.entries()) {
    const name = groupNames[index] ?? '';
    if (name !== '') byKey.set(name, group);
  }
  return byKey;
}

/** `labelOf`: the value of a label of `metadata`. */
export function templateData(
  match: TemplateMatch,
  question: Question,
  labelOf: (label: string) => string,
): GoStruct {
  const { zone, name, qclass, qtype, groups, pattern, variables } = match;
  return {
    kind: 'struct',
    type: 'template.templateData',
    fields: {
      Zone: () => stringValue(zone),
      Name: () => stringValue(name),
      Regex: () => stringValue(pattern),
      Match: () => stringsValue(groups),
      Group: once(() => stringMapValue(groupsOf(match))),
      Class: () => stringValue(qclass),
      Type: () => stringValue(qtype),
      Message: once(() => messageValue(question)),
      Question: () => questionValue(question),
      Var: once(() => mapValueOf(variables)),
      Remote: () => stringValue(question.asker?.peer().host ?? ''),
    },
    methods: {
      Meta: {
        parameters: ['string'],
        call: ([label]) =>
          stringValue(labelOf(label?.kind === 'string' ? textOf(label.value) : '')),
      },
    },
  };
}

/** What is made when it is asked for, and not again. */
function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
