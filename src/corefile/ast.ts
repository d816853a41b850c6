/**
 * What a parsed Corefile is: server blocks of directives of words, each with the place it came from.
 * The grammar is Caddy's (as CoreDNS uses it): `KEYS { NAME ARGS... { NAME ARGS... } }`.
 */

export interface Position {
  /** The path as the operator gave it; an imported file has its own. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

export interface Word {
  readonly text: string;
  readonly at: Position;
}

export interface Directive {
  readonly name: Word;
  readonly args: readonly Word[];
  /** The lines between `{` and `}`; undefined where the directive has no block. */
  readonly block: readonly Directive[] | undefined;
}

export interface ServerBlock {
  /** As written, e.g. `cluster.local:53`, `10.0.0.0/8`, `dns://.:1053`. */
  readonly keys: readonly Word[];
  readonly directives: readonly Directive[];
}

/** A wrong configuration: what, where, and what was expected instead. `message` holds all of it on one line. */
export class CorefileError extends Error {
  readonly at: Position;
  readonly problem: string;
  readonly directive: string | undefined;

  constructor(at: Position, problem: string, directive?: string) {
    const where = `${at.file}:${at.line}:${at.column}`;
    super(directive === undefined ? `${where}: ${problem}` : `${where}: ${directive}: ${problem}`);
    this.name = 'CorefileError';
    this.at = at;
    this.problem = problem;
    this.directive = directive;
  }
}
