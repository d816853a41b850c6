/** The tree of an expression. */
import type { Value } from './value.ts';

interface Placed {
  readonly at: number;
}

export type UnaryOperator = '-' | '+' | 'not';
export type BinaryOperator =
  | 'or'
  | 'and'
  | '??'
  | '=='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | 'in'
  | 'matches'
  | 'contains'
  | 'startsWith'
  | 'endsWith'
  | '..'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '**';

export type Node =
  | (Placed & { readonly kind: 'literal'; readonly value: Value })
  | (Placed & { readonly kind: 'name'; readonly name: string })
  /** `$env`: all that is given to the expression. */
  | (Placed & { readonly kind: 'environment' })
  | (Placed & { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Node })
  | (Placed & {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Node;
      readonly right: Node;
    })
  | (Placed & {
      readonly kind: 'conditional';
      readonly test: Node;
      readonly yes: Node;
      readonly no: Node;
    })
  /** `object[key]`, `object.key`; `optional`: nil of nil. */
  | (Placed & {
      readonly kind: 'member';
      readonly object: Node;
      readonly key: Node;
      readonly optional: boolean;
    })
  | (Placed & {
      readonly kind: 'slice';
      readonly object: Node;
      readonly from: Node | undefined;
      readonly to: Node | undefined;
    })
  | (Placed & {
      readonly kind: 'call';
      readonly name: string;
      readonly operands: readonly Node[];
      /** Written `::name()`: the language's own, whatever else has the name. */
      readonly isBuiltin: boolean;
    })
  /** `object.name(operands)`; `optional`: nil of nil. */
  | (Placed & {
      readonly kind: 'method';
      readonly object: Node;
      readonly name: string;
      readonly operands: readonly Node[];
      readonly optional: boolean;
    })
  | (Placed & { readonly kind: 'array'; readonly items: readonly Node[] })
  | (Placed & { readonly kind: 'map'; readonly entries: readonly (readonly [Node, Node])[] })
  | (Placed & {
      readonly kind: 'let';
      readonly name: string;
      readonly value: Node;
      readonly body: Node;
    })
  /** The last is its value. */
  | (Placed & { readonly kind: 'sequence'; readonly nodes: readonly Node[] })
  /** What a predicate is asked about: the element, its index, what `reduce` has so far. */
  | (Placed & { readonly kind: 'element' | 'index' | 'accumulator' });
