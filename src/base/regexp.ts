/**
 * Regular expressions in Go's syntax (RE2), as the Corefile holds them, matched in time linear in the text: no expression can
 * stall the node, and one that would take long to compile is refused. `re2js`, a port of RE2, does the work: automata that keep
 * all matches in view at once, with a bound on the states they remember. It is loaded when the first expression is compiled
 * (13 ms, 0.8 MB of heap); without one it costs nothing.
 *
 * V8's own linear engine (`--enable-experimental-regexp-engine`) is faster but refuses case folding, code points and every
 * counted repetition that grows (`a{1000}`), and its makers call it an experiment.
 */
import { createRequire } from 'node:module';
import { compileCost } from './regexp-cost.ts';

export interface GoRegexp {
  readonly pattern: string;
  /** Names of the groups by their number, empty where one has none. */
  readonly groupNames: readonly string[];
  /** Whether some part of `text` fits. */
  test(text: string): boolean;
  /** The groups of the leftmost part of `text` that fits: the whole is number 0, one that took no part is empty. */
  match(text: string): readonly string[] | undefined;
}

export type CompiledRegexp =
  | { readonly code: 'compiled'; readonly regexp: GoRegexp }
  | { readonly code: 'invalid'; readonly reason: string };

/** CoreDNS's bound, in octets, for whoever takes a pattern: automata grow with it. */
export const PATTERN_SIZE_MAX = 10_000;

/** Takes up to some 100 ms of CPU time; what people write costs some hundred, and 10,000 letters 10,000. Go's own bound is 3.4 million instructions. */
export const COMPILE_COST_MAX = 30_000;

type Re2js = typeof import('re2js');

let loaded: Re2js | undefined;

function re2js(): Re2js {
  loaded ??= createRequire(import.meta.url)('re2js') as Re2js;
  return loaded;
}

/** A pattern that searches as Go's regexp does. */
export function compileRegexp(pattern: string): CompiledRegexp {
  const cost = compileCost(pattern);
  if (cost > COMPILE_COST_MAX) {
    const reason = `too large (${cost} steps to compile, at most ${COMPILE_COST_MAX}): expected smaller counts of repetition, and fewer classes such as \\pL`;
    return { code: 'invalid', reason };
  }
  const { RE2JS, RE2JSException } = re2js();
  try {
    return { code: 'compiled', regexp: new LinearRegexp(RE2JS.compile(pattern)) };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return { code: 'invalid', reason: error.message.replace(/^error parsing regexp: /, '') };
  }
}

class LinearRegexp implements GoRegexp {
  readonly pattern: string;
  readonly groupNames: readonly string[];
  readonly #compiled: InstanceType<Re2js['RE2JS']>;

  constructor(compiled: InstanceType<Re2js['RE2JS']>) {
    this.pattern = compiled.pattern();
    this.#compiled = compiled;
    const names = Array.from({ length: compiled.groupCount() + 1 }, () => '');
    for (const [name, index] of Object.entries(compiled.namedGroups())) names[index] = name;
    this.groupNames = names;
  }

  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  match(text: string): readonly string[] | undefined {
    const found = this.#compiled.exec(text);
    if (found === null) return undefined;
    return Array.from(found, (group: string | undefined) => group ?? '');
  }
}
