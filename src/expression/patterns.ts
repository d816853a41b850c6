/**
 * The regular expressions of `matches`. One that stands in the expression is compiled with it, and kept as long as it is; one that
 * a run puts together is compiled then, which is dear, and kept for the next run.
 */
import { compileRegexp, type GoRegexp, PATTERN_SIZE_MAX } from '../base/regexp.ts';
import type { Node } from './node.ts';
import { BoundError, ExpressionError } from './token.ts';

const ofLiterals = new WeakMap<Node, GoRegexp>();
const ofRuns = new Map<string, GoRegexp>();
/** Patterns of one Corefile; beyond, all are forgotten. */
const PATTERNS_MAX = 64;

/**
 * Steps for each character of a pattern to compile: 50 us for most, 500 us where repetitions that are counted multiply what is in
 * them, as in `(a{1,100}b){1,9}`, or a class of letters stands for hundreds of ranges.
 */
const COST = { plain: 5, large: 50 };

function compiled(pattern: string): GoRegexp {
  if (pattern.length > PATTERN_SIZE_MAX) throw new BoundError('pattern too long');
  const result = compileRegexp(pattern);
  if (result.code === 'compiled') return result.regexp;
  throw new ExpressionError(result.reason);
}

/** Throws an `ExpressionError` where the pattern of a literal is none. */
export function keepPattern(node: Node): void {
  if (node.kind !== 'literal' || typeof node.value !== 'string') return;
  ofLiterals.set(node, compiled(node.value));
}

/** `node` gave the pattern; `charge` is told the steps that its compilation takes. */
export function patternOf(pattern: string, node: Node, charge: (steps: number) => void): GoRegexp {
  const known = ofLiterals.get(node) ?? ofRuns.get(pattern);
  if (known !== undefined) return known;
  charge(pattern.length * (/\{|\\p/i.test(pattern) ? COST.large : COST.plain));
  const regexp = compiled(pattern);
  if (ofRuns.size >= PATTERNS_MAX) ofRuns.clear();
  ofRuns.set(pattern, regexp);
  return regexp;
}
