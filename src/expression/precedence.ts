/** How the operators bind: the larger number the closer. */
import type { BinaryOperator, UnaryOperator } from './node.ts';

interface Precedence {
  readonly operator: BinaryOperator | '|';
  readonly binds: number;
  readonly isRight?: boolean;
}

export const BINARY: ReadonlyMap<string, Precedence> = new Map<string, Precedence>([
  ['|', { operator: '|', binds: 0 }],
  ['or', { operator: 'or', binds: 10 }],
  ['||', { operator: 'or', binds: 10 }],
  ['and', { operator: 'and', binds: 15 }],
  ['&&', { operator: 'and', binds: 15 }],
  ...(['==', '!=', '<', '>', '<=', '>='] as const).map(at(20)),
  ...(['in', 'matches', 'contains', 'startsWith', 'endsWith'] as const).map(at(20)),
  ['..', { operator: '..', binds: 25 }],
  ...(['+', '-'] as const).map(at(30)),
  ...(['*', '/', '%'] as const).map(at(60)),
  ['**', { operator: '**', binds: 100, isRight: true }],
  ['^', { operator: '**', binds: 100, isRight: true }],
  ['??', { operator: '??', binds: 500 }],
]);

function at(binds: number) {
  return (operator: BinaryOperator): [string, Precedence] => [operator, { operator, binds }];
}

export const UNARY: ReadonlyMap<string, { operator: UnaryOperator; binds: number }> = new Map([
  ['not', { operator: 'not' as const, binds: 50 }],
  ['!', { operator: 'not' as const, binds: 50 }],
  ['-', { operator: '-' as const, binds: 90 }],
  ['+', { operator: '+' as const, binds: 90 }],
]);

/** What may follow one another: `1 < x < 10`. */
export const COMPARISONS: readonly string[] = ['<', '>', '<=', '>='];
