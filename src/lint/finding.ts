/** What lint finds, and what a rule is. */
import type { Position } from '../corefile/ast.ts';
import type { Subject } from './subject.ts';

/**
 * `error`: the Corefile will not run. `warning`: it runs, and something in it is known to go wrong. `note`: advice, and what
 * node-cache does otherwise.
 */
export type Level = 'error' | 'warning' | 'note';

/** Names and levels are a contract: people search for them, and switch them off. */
export interface RuleName {
  readonly name: string;
  readonly level: Level;
  /** What it finds, in half a line. */
  readonly summary: string;
}

export interface Hit {
  readonly at: Position;
  /** What is there, and what comes of it. */
  readonly problem: string;
  /** What to do. */
  readonly advice?: string;
}

export interface Rule extends RuleName {
  readonly check: (subject: Subject) => Iterable<Hit>;
}

export interface Finding extends Hit {
  readonly rule: string;
  readonly level: Level;
}

export function findingOf({ name, level }: RuleName, hit: Hit): Finding {
  return { rule: name, level, ...hit };
}
