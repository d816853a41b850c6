/**
 * Reads a Corefile into server blocks of directives, each word with the place it came from. It knows the grammar and no
 * directive:
 *
 *     corefile = { "import" TARGET | "(" NAME ")" block | keys block | keys lines-to-the-end }
 *     keys     = KEY { ( " " | "," ) KEY }        ; after a comma, on the next line too
 *     block    = "{" { line } "}"
 *     line     = "import" TARGET | NAME { ARGUMENT } [ block ]
 *
 * The grammar is Caddy's as CoreDNS uses it. Beyond CoreDNS: a block may stand on one line (`{ force_tcp }`, `{}`), and keys
 * may be separated by commas without spaces. Like CoreDNS it passes over braces too many at the end of the file, and over one
 * that is missing there behind another; of these it warns.
 */
import {
  CorefileError,
  type Directive,
  type Position,
  type ServerBlock,
  type Word,
} from './ast.ts';
import { type Environment, expandReferences } from './environment.ts';
import type { FileSource } from './file-source.ts';
import { type Token, tokenize } from './lexer.ts';
import { isBrace, TokenStream } from './token-stream.ts';

export interface CorefileOptions {
  /** Named in errors; imports are relative to its folder. */
  readonly file: string;
  readonly environment: Environment;
  readonly files: FileSource;
  /** The folder that a file's relative imports start from; undefined: the file's own. */
  readonly folderOf?: (file: string) => string;
  /** Puts others in place of the file's own tokens, not of those that it imports; may throw a `CorefileError`. */
  readonly fill?: (tokens: readonly Token[]) => readonly Token[];
  /** Told of what works but can hardly be meant. */
  readonly warn?: (at: Position, problem: string) => void;
}

/** No directive nests more than two deep; the bound keeps the recursion from exhausting the stack. */
const BLOCK_DEPTH_MAX = 64;
const SURPLUS_BRACE = "a '}' too many is passed over: no '{' is open, leave it out";

/** Server blocks in file order, imports and snippets expanded; throws nothing but `CorefileError`. */
export function parseCorefile(text: string, options: CorefileOptions): ServerBlock[] {
  const tokens = tokenize(text, options.file);
  return new Parser(options.fill?.(tokens) ?? tokens, options).parse();
}

class Parser {
  readonly #stream: TokenStream;
  readonly #environment: Environment;
  readonly #warn: NonNullable<CorefileOptions['warn']>;

  constructor(tokens: readonly Token[], options: CorefileOptions) {
    this.#stream = new TokenStream(tokens, options);
    this.#environment = options.environment;
    this.#warn = options.warn ?? (() => {});
  }

  parse(): ServerBlock[] {
    const blocks: ServerBlock[] = [];
    for (let token = this.#stream.peek(); token !== undefined; token = this.#stream.peek()) {
      if (isImport(token)) {
        this.#expandImport();
      } else if (isSnippetName(token)) {
        this.#defineSnippet();
      } else if (isBrace(token, '}') && blocks.length > 0) {
        this.#passOverBraces();
      } else {
        blocks.push(this.#serverBlock(token));
      }
    }
    return blocks;
  }

  /**
   * CoreDNS takes a `}` between server blocks for the zone of another one, without a directive. At the end of the file that
   * harms nobody but for its listener; further up, what follows becomes nonsense, and nearly always an error.
   */
  #passOverBraces(): void {
    const surplus: Token[] = [];
    for (let token = this.#stream.peek(); token !== undefined; token = this.#stream.peek()) {
      if (!isBrace(token, '}')) throw unopened(surplus[0] ?? token);
      surplus.push(this.#stream.take()!);
    }
    for (const { at } of surplus) this.#warn(at, SURPLUS_BRACE);
  }

  #serverBlock(first: Token): ServerBlock {
    const keys = this.#keys();
    if (keys.length === 0) {
      throw new CorefileError(first.at, 'expected a zone before the server block');
    }
    const opening = this.#stream.peek();
    if (!isBrace(opening, '{')) return { keys, directives: this.#lines(undefined, 0) };
    this.#stream.take();
    return { keys, directives: this.#lines(opening, 1) };
  }

  #keys(): Word[] {
    const keys: Word[] = [];
    let isFirst = true;
    let comma: Position | undefined;
    for (;;) {
      const token = this.#stream.peek();
      if (token === undefined || isBrace(token, '{')) break;
      if (isBrace(token, '}')) throw unopened(token);
      if (token.startsLine && comma === undefined && !isFirst) break;
      isFirst = false;
      if (token.startsLine && isImport(token)) {
        this.#expandImport();
        continue;
      }
      this.#stream.take();
      const word = this.#word(token);
      comma = !token.quoted && word.text.endsWith(',') ? token.at : undefined;
      const texts = token.quoted ? [word.text] : word.text.split(',');
      for (const text of texts) if (text !== '') keys.push({ text, at: token.at });
    }
    if (comma !== undefined)
      throw new CorefileError(comma, 'expected another zone after the comma');
    return keys;
  }

  /** Lines up to the `}` that closes `opening`, or to the end of the file where the block has no braces. */
  #lines(opening: Token | undefined, depth: number): Directive[] {
    if (opening !== undefined && depth > BLOCK_DEPTH_MAX) {
      throw new CorefileError(opening.at, `blocks nest more than ${BLOCK_DEPTH_MAX} deep`);
    }
    const lines: Directive[] = [];
    for (let token = this.#stream.peek(); token !== undefined; token = this.#stream.peek()) {
      if (isBrace(token, '{')) {
        throw new CorefileError(
          token.at,
          "unexpected '{': expected the name before it on its line",
        );
      }
      if (isBrace(token, '}')) {
        this.#stream.take();
        if (opening === undefined) this.#warn(token.at, SURPLUS_BRACE);
        return lines;
      }
      if (isImport(token)) this.#expandImport();
      else lines.push(this.#line(depth));
    }
    if (opening === undefined) return lines;
    const problem = "this '{' is never closed: expected a '}'";
    // CoreDNS looks only whether the last word is one.
    const isPassedOver = depth === 1 && isBrace(this.#stream.last, '}');
    if (!isPassedOver) throw new CorefileError(opening.at, problem);
    this.#warn(opening.at, `${problem}; the end of the file stands in for it`);
    return lines;
  }

  #line(depth: number): Directive {
    const name = this.#word(this.#stream.take()!);
    const args: Word[] = [];
    for (;;) {
      const token = this.#stream.peek();
      if (!continuesLine(token)) return { name, args, block: undefined };
      this.#stream.take();
      if (isBrace(token, '{')) return { name, args, block: this.#block(token, depth) };
      if (isEmptyBlock(token) && !continuesLine(this.#stream.peek()))
        return { name, args, block: [] };
      args.push(this.#word(token));
    }
  }

  #block(opening: Token, depth: number): Directive[] {
    const lines = this.#lines(opening, depth + 1);
    const after = this.#stream.peek();
    if (continuesLine(after)) {
      throw new CorefileError(
        after.at,
        `unexpected '${after.text}': expected a new line after '}'`,
      );
    }
    return lines;
  }

  #defineSnippet(): void {
    const key = this.#stream.take()!;
    const name = this.#word(key).text.slice(1, -1);
    const opening = this.#stream.take();
    if (!isBrace(opening, '{')) {
      throw new CorefileError(key.at, `expected '{' after the snippet's name (${name})`);
    }
    const tokens: Token[] = [];
    for (let openCount = 1; ; ) {
      const token = this.#stream.take();
      if (token === undefined) {
        throw new CorefileError(key.at, `the snippet (${name}) is never closed: expected a '}'`);
      }
      if (isBrace(token, '{')) openCount += 1;
      if (isBrace(token, '}')) openCount -= 1;
      if (openCount === 0) break;
      tokens.push(token);
    }
    this.#stream.defineSnippet(name, tokens, key.at);
  }

  #expandImport(): void {
    this.#stream.expandImport(this.#stream.take()!);
  }

  #word(token: Token): Word {
    return { text: expandReferences(token.text, this.#environment), at: token.at };
  }
}

function unopened({ at }: Token): CorefileError {
  return new CorefileError(at, "unexpected '}': no '{' is open");
}

function isImport(token: Token): boolean {
  return !token.quoted && token.text === 'import';
}

function isSnippetName(token: Token): boolean {
  return !token.quoted && token.text.startsWith('(') && token.text.endsWith(')');
}

/** `cache {}`: to CoreDNS's lexer `{}` is one word; at the end of a line nothing but an empty block is meant. */
function isEmptyBlock(token: Token): boolean {
  return !token.quoted && token.text === '{}';
}

/** Whether the token belongs to the line of the word before it. */
function continuesLine(token: Token | undefined): token is Token {
  return token !== undefined && !token.startsLine && !isBrace(token, '}');
}
