/**
 * Reads a template into its tree, after Go's text/template/parse: what Go refuses is refused in its words. Nesting is
 * bounded, since the evaluator follows it with the engine's own stack.
 */
import type { Statement } from './node.ts';
import { octetsOf } from './octet-string.ts';
import { PipelineParser } from './pipeline-parser.ts';
import { TokenReader } from './token-reader.ts';

/** The templates of one text by their names in octets; the text's own comes under the name it was given. */
export type TemplateSet = ReadonlyMap<string, readonly Statement[]>;

/** Throws a `SyntaxProblem`. `functions`: names that may be called. */
export function parse(name: string, text: string, functions: ReadonlySet<string>): TemplateSet {
  const parser = new Parser(name, text, functions);
  parser.parseAll();
  return parser.templates;
}

/** What ends a list of statements. */
interface ListEnd {
  readonly kind: 'end' | 'else';
}

function isListEnd(node: Statement | ListEnd): node is ListEnd {
  return node.kind === 'end' || node.kind === 'else';
}

class Parser {
  readonly templates = new Map<string, readonly Statement[]>();
  readonly #tokens: TokenReader;
  readonly #pipelines: PipelineParser;
  #rangeDepth = 0;

  constructor(name: string, text: string, functions: ReadonlySet<string>) {
    this.#tokens = new TokenReader(name, text);
    this.#pipelines = new PipelineParser(this.#tokens, functions);
  }

  parseAll(): void {
    const list: Statement[] = [];
    while (this.#tokens.peek().kind !== 'eof') {
      if (this.#tokens.peek().kind === 'left delimiter' && this.#startsDefinition()) {
        this.#parseDefinition();
        continue;
      }
      const node = this.#statement();
      if (isListEnd(node)) this.#tokens.fail(`unexpected {{${node.kind}}}`);
      else list.push(node);
    }
    this.#add(octetsOf(this.#tokens.name), list);
  }

  #add(name: string, list: readonly Statement[]): void {
    const known = this.templates.get(name);
    if (known === undefined || isEmpty(known)) this.templates.set(name, list);
    else if (!isEmpty(list)) {
      this.#tokens.fail(`template: multiple definition of template ${JSON.stringify(name)}`);
    }
  }

  #startsDefinition(): boolean {
    const start = this.#tokens.position;
    this.#tokens.next();
    if (this.#tokens.nextNonSpace().kind === 'define') return true;
    this.#tokens.goBack(start);
    return false;
  }

  #parseDefinition(): void {
    const context = 'define clause';
    const name = this.#templateName(context);
    this.#tokens.expect('right delimiter', context);
    this.#add(name, this.#separateList(context));
  }

  /** A list that ends with `end` and sees no variable from around it. */
  #separateList(context: string): readonly Statement[] {
    const variables = this.#pipelines.variables;
    const rangeDepth = this.#rangeDepth;
    this.#pipelines.variables = ['$'];
    this.#rangeDepth = 0;
    const { list, end } = this.#list();
    if (end.kind !== 'end') this.#tokens.fail(`unexpected {{else}} in ${context}`);
    this.#pipelines.variables = variables;
    this.#rangeDepth = rangeDepth;
    return list;
  }

  #list(): { list: Statement[]; end: ListEnd } {
    const list: Statement[] = [];
    return this.#tokens.nest(() => {
      while (this.#tokens.peek().kind !== 'eof') {
        const node = this.#statement();
        if (isListEnd(node)) return { list, end: node };
        list.push(node);
      }
      return this.#tokens.fail('unexpected EOF');
    });
  }

  #statement(): Statement | ListEnd {
    const token = this.#tokens.nextNonSpace();
    if (token.kind === 'text') {
      return { kind: 'text', at: token.at, octets: octetsOf(token.text) };
    }
    if (token.kind !== 'left delimiter') return this.#tokens.unexpected(token, 'input');
    this.#tokens.actionLine = token.line;
    const node = this.#action();
    this.#tokens.actionLine = 0;
    return node;
  }

  #action(): Statement | ListEnd {
    const { kind, at } = this.#tokens.skipSpace();
    switch (kind) {
      case 'if':
      case 'range':
      case 'with':
        this.#tokens.next();
        return this.#branch(kind);
      case 'end':
        this.#tokens.next();
        this.#tokens.expect('right delimiter', 'end');
        return { kind };
      case 'else':
        this.#tokens.next();
        return this.#else();
      case 'break':
      case 'continue':
        this.#tokens.next();
        return this.#jump(kind, at);
      case 'template':
      case 'block':
        this.#tokens.next();
        return this.#invocation(kind);
      default:
        return { kind: 'action', at, pipe: this.#pipelines.read('command', 'right delimiter') };
    }
  }

  /** After `else`, an `if` or `with` stays for whoever reads on. */
  #else(): ListEnd {
    const { kind } = this.#tokens.skipSpace();
    if (kind !== 'if' && kind !== 'with') this.#tokens.expect('right delimiter', 'else');
    return { kind: 'else' };
  }

  #jump(kind: 'break' | 'continue', at: number): Statement {
    const token = this.#tokens.nextNonSpace();
    if (token.kind !== 'right delimiter') this.#tokens.unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#tokens.fail(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  #branch(kind: 'if' | 'range' | 'with'): Statement {
    const variableCount = this.#pipelines.variables.length;
    const pipe = this.#pipelines.read(kind, 'right delimiter');
    if (kind === 'range') this.#rangeDepth += 1;
    const { list, end } = this.#list();
    if (kind === 'range') this.#rangeDepth -= 1;
    const otherwise = end.kind === 'else' ? this.#otherwise(kind) : undefined;
    this.#pipelines.variables.length = variableCount;
    return { kind, at: pipe.at, pipe, list, otherwise };
  }

  #otherwise(kind: 'if' | 'range' | 'with'): readonly Statement[] {
    if (this.#tokens.peek().kind === kind && (kind === 'if' || kind === 'with')) {
      this.#tokens.next();
      return [this.#tokens.nest(() => this.#branch(kind))];
    }
    const { list, end } = this.#list();
    if (end.kind !== 'end') this.#tokens.fail('expected end; found {{else}}');
    return list;
  }

  #templateName(context: string): string {
    const token = this.#tokens.nextNonSpace();
    return token.kind === 'string'
      ? this.#pipelines.unquoted(token)
      : this.#tokens.unexpected(token, context);
  }

  /** `template "name" [pipeline]`, or `block "name" pipeline` with the definition behind it. */
  #invocation(kind: 'template' | 'block'): Statement {
    const context = `${kind} clause`;
    const { at } = this.#tokens.skipSpace();
    const name = this.#templateName(context);
    if (kind === 'template' && this.#tokens.skipSpace().kind === 'right delimiter') {
      this.#tokens.next();
      return { kind: 'template', at, name, pipe: undefined };
    }
    const pipe = this.#pipelines.read(context, 'right delimiter');
    if (kind === 'block') this.#add(name, this.#separateList(context));
    return { kind: 'template', at, name, pipe };
  }
}

/** Whether there is nothing in it but white space. */
function isEmpty(list: readonly Statement[]): boolean {
  return list.every((node) => node.kind === 'text' && node.octets.trim() === '');
}
