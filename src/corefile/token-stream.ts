/**
 * The tokens of a Corefile in the order in which they count, with imported files and snippets spliced in where they
 * are imported. As in CoreDNS, an import replaces its line by tokens, so a file may hold whole server blocks, lines of
 * one, or lines of a directive's block.
 *
 * Everything is bounded, so that no set of files, however they import each other, keeps the parser busy.
 */
import { dirname, isAbsolute, join } from 'node:path';
import { CorefileError, type Position } from './ast.ts';
import { type Environment, expandReferences } from './environment.ts';
import type { FileSource } from './file-source.ts';
import { type Token, tokenize } from './lexer.ts';

/** Deep enough for any layout of files; only a cycle goes further. */
const IMPORT_DEPTH_MAX = 32;
/** CoreDNS's bound on the snippets that one Corefile expands; here it counts files too. */
const IMPORT_COUNT_MAX = 10_000;
/** A ConfigMap holds at most 1 MiB, so at most half as many words; the rest is room for what is imported twice. */
const TOKEN_COUNT_MAX = 1_000_000;

interface Frame {
  readonly tokens: readonly Token[];
  next: number;
}

export interface TokenStreamOptions {
  readonly environment: Environment;
  readonly files: FileSource;
  /** The folder that a file's relative imports start from; undefined: the file's own. */
  readonly folderOf?: ((file: string) => string) | undefined;
}

export class TokenStream {
  readonly #options: TokenStreamOptions;
  readonly #snippets = new Map<string, readonly Token[]>();
  /** The file that is read, and on top of it what it imports. */
  readonly #frames: Frame[] = [];
  #last: Token | undefined;
  #importCount = 0;
  #tokenCount = 0;

  constructor(tokens: readonly Token[], options: TokenStreamOptions) {
    this.#options = options;
    this.#frames.push({ tokens, next: 0 });
  }

  /** The next token, not taken; undefined at the end. */
  peek(): Token | undefined {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      const token = frame.tokens[frame.next];
      if (token !== undefined) return token;
      this.#frames.pop();
    }
    return undefined;
  }

  /** The one that was taken last. */
  get last(): Token | undefined {
    return this.#last;
  }

  take(): Token | undefined {
    const token = this.peek();
    const frame = this.#frames.at(-1);
    if (token === undefined || frame === undefined) return undefined;
    frame.next += 1;
    this.#last = token;
    this.#tokenCount += 1;
    if (this.#tokenCount > TOKEN_COUNT_MAX) {
      throw new CorefileError(token.at, `the Corefile holds more than ${TOKEN_COUNT_MAX} words`);
    }
    return token;
  }

  /** Keeps `tokens` for imports by that name. */
  defineSnippet(name: string, tokens: readonly Token[], at: Position): void {
    if (this.#snippets.has(name)) {
      throw new CorefileError(at, `the snippet (${name}) is defined already: expected a new name`);
    }
    this.#snippets.set(name, tokens.map(startingLine));
  }

  /** Splices in what the import names; `keyword` is taken, its argument is next. */
  expandImport(keyword: Token): void {
    const target = this.#importTarget(keyword);
    // An exhausted frame stays until the next peek, so an import at the end of a file counts its own file: a cycle of
    // such imports grows the stack like any other.
    if (this.#frames.length > IMPORT_DEPTH_MAX) {
      throw new CorefileError(
        keyword.at,
        `import ${target}: imports nest more than ${IMPORT_DEPTH_MAX} deep: expected no cycle`,
      );
    }
    this.#importCount += 1;
    if (this.#importCount > IMPORT_COUNT_MAX) {
      throw new CorefileError(keyword.at, `more than ${IMPORT_COUNT_MAX} imports`);
    }
    const tokens = this.#snippets.get(target) ?? this.#tokensOfFiles(target, keyword.at);
    this.#frames.push({ tokens, next: 0 });
  }

  #importTarget(keyword: Token): string {
    const args: Token[] = [];
    const frame = this.#frames.at(-1);
    for (;;) {
      const token = frame?.tokens[frame.next];
      if (frame === undefined || token === undefined || token.startsLine || isBrace(token, '}'))
        break;
      args.push(token);
      frame.next += 1;
    }
    const target = expandReferences(args[0]?.text ?? '', this.#options.environment);
    if (args.length !== 1 || target === '') {
      throw new CorefileError(keyword.at, 'import: expected one snippet, file or pattern');
    }
    return target;
  }

  /** Paths are relative to the file that imports. */
  #tokensOfFiles(target: string, at: Position): readonly Token[] {
    const { files, folderOf = dirname } = this.#options;
    const pattern = isAbsolute(target) ? target : join(folderOf(at.file), target);
    if (!/[*?[]/.test(pattern)) return this.#tokensOfFile(pattern, at);
    // CoreDNS's restriction: patterns with several wildcards may take very long to expand.
    if (/\*.*\*|\?.*\?|\[.*\]/s.test(pattern)) {
      throw new CorefileError(at, `import ${target}: expected at most one '*' and one '?'`);
    }
    // No match is no error, as in CoreDNS: a folder of optional files may be empty.
    return files.glob(pattern).flatMap((path) => this.#tokensOfFile(path, at));
  }

  #tokensOfFile(path: string, at: Position): readonly Token[] {
    const file = this.#options.files.read(path);
    if (file.code === 'failed') {
      throw new CorefileError(at, `import ${path}: expected a readable file: ${file.reason}`);
    }
    return tokenize(file.text, path).map(startingLine);
  }
}

export function isBrace(token: Token | undefined, brace: '{' | '}'): boolean {
  return token !== undefined && !token.quoted && token.text === brace;
}

/** The first token of what is imported starts a line, wherever it was written. */
function startingLine(token: Token, index: number): Token {
  return index === 0 && !token.startsLine ? { ...token, startsLine: true } : token;
}
