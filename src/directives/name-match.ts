/**
 * How the rules of `rewrite` find a name, and what they make of it: `exact`, `prefix`, `suffix`, `substring` or `regex`, on the
 * name's presentation text (lower-case, with its final dot), as CoreDNS does.
 */
import { compileRegexp, type GoRegexp } from '../base/regexp.ts';

export const MATCH_KINDS = ['exact', 'prefix', 'suffix', 'substring', 'regex'] as const;
export type MatchKind = (typeof MATCH_KINDS)[number];

/** Plain data, as the Corefile has it. */
export interface NameMatch {
  readonly kind: MatchKind;
  /** A text, or a pattern that was found to compile. */
  readonly from: string;
}

export interface NameMatcher {
  matches(name: string): boolean;
  /** The name with what was found replaced by `to`, in which `{1}` is the pattern's first group; undefined: not found. */
  replace(name: string, to: string): string | undefined;
}

export function compileMatch({ kind, from }: NameMatch): NameMatcher {
  if (kind === 'regex') return regexMatcher(from);
  const replace = REPLACERS[kind];
  return {
    matches: (name) => replace(name, from, '') !== undefined,
    replace: (name, to) => replace(name, from, to),
  };
}

type Replacer = (name: string, from: string, to: string) => string | undefined;

const REPLACERS: Readonly<Record<Exclude<MatchKind, 'regex'>, Replacer>> = {
  exact: (name, from, to) => (name === from ? to : undefined),
  prefix: (name, from, to) => (name.startsWith(from) ? to + name.slice(from.length) : undefined),
  suffix: (name, from, to) =>
    name.endsWith(from) ? name.slice(0, name.length - from.length) + to : undefined,
  substring: (name, from, to) =>
    name.includes(from) ? name.replaceAll(from, () => to) : undefined,
};

function regexMatcher(pattern: string): NameMatcher {
  const compiled = compileRegexp(pattern);
  if (compiled.code !== 'compiled') throw new Error(`no regular expression: ${pattern}`);
  const { regexp } = compiled;
  return {
    matches: (name) => regexp.test(name),
    replace: (name, to) => {
      const groups = regexp.match(name);
      return groups && fillIn(to, groups);
    },
  };
}

/** Each `{N}` by group N, one after the other, as CoreDNS does; what was filled in may be filled again. */
function fillIn(to: string, groups: readonly string[]): string {
  return groups.reduce((text, group, index) => text.replaceAll(`{${index}}`, () => group), to);
}

/** How many of `{0}` to `{100}` a replacement uses. */
export function groupUses(to: string): number {
  return new Set(to.match(/\{(?:\d{1,2}|100)\}/g)).size;
}

/** Groups of a pattern that was found to compile. */
export function groupCount(regexp: GoRegexp): number {
  return regexp.groupNames.length - 1;
}
