/**
 * Reads a Corefile with the daemon's own parser and readers. The daemon stops at the first mistake; here each block and each
 * directive is read by itself, so that all mistakes are found, and the rules get what is right.
 */
import { CorefileError, type Directive, type Position, type ServerBlock } from '../corefile/ast.ts';
import type { Environment } from '../corefile/environment.ts';
import type { FileSource } from '../corefile/file-source.ts';
import { parseCorefile } from '../corefile/parser.ts';
import { boundWords } from '../directives/bind.ts';
import { checkOverlap } from '../directives/listener-overlap.ts';
import { isKnown } from '../directives/order.ts';
import { readServerBlocks, type ServerConfig } from '../directives/server-config.ts';
import { type Finding, findingOf, type Hit, type RuleName } from './finding.ts';
import { type Filling, PLACEHOLDER_VALUES, Placeholders } from './placeholders.ts';
import type { LintBlock, Subject } from './subject.ts';

export interface ReadingOptions {
  /** Named in findings; imports are relative to its folder. */
  readonly file: string;
  readonly environment: Environment;
  readonly files: FileSource;
  readonly knowsResolvConf: boolean;
  readonly filling?: Filling;
}

export interface Reading {
  /** Undefined where the text has no blocks. */
  readonly subject: Subject | undefined;
  readonly findings: readonly Finding[];
}

/** CoreDNS 1.14.7's directives that node-cache has not compiled in. */
const COREDNS_ONLY: ReadonlySet<string> = new Set(
  (
    'acl any auto autopath azure cancel chaos clouddns dnssec erratic etcd file geoip grpc grpc_server header https ' +
    'https3 k8s_external kubernetes local minimal multisocket nomad nsid on quic ready root route53 secondary sign tls ' +
    'transfer tsig view'
  ).split(' '),
);

const RULES = {
  syntax: {
    name: 'syntax',
    level: 'error',
    summary: 'the text is no Corefile: braces, quotes, imports',
  },
  noBlock: { name: 'no-server-block', level: 'error', summary: 'there is no server block' },
  zone: { name: 'invalid-zone', level: 'error', summary: 'a key of a server block is no zone' },
  unknown: {
    name: 'unknown-directive',
    level: 'error',
    summary: 'a directive that neither node-cache nor Zerohop has',
  },
  coreDns: {
    name: 'coredns-directive',
    level: 'error',
    summary: "a directive of CoreDNS that node-cache has not: this is kube-dns's Corefile",
  },
  directive: {
    name: 'invalid-directive',
    level: 'error',
    summary: 'an argument or option of a directive is wrong',
  },
  conflict: {
    name: 'zone-conflict',
    level: 'error',
    summary: 'two blocks serve one zone at one address, or only one of them has bind',
  },
  ignored: {
    name: 'ignored',
    level: 'warning',
    summary: 'the daemon accepts it, and it has no effect or another one than meant',
  },
} as const satisfies Record<string, RuleName>;

/** The rules that reading itself holds. */
export const READING_RULES: readonly RuleName[] = Object.values(RULES);

export function readCorefile(text: string, options: ReadingOptions): Reading {
  const placeholders = new Placeholders(options.filling ?? PLACEHOLDER_VALUES);
  const unset = new UnsetVariables(options.environment);
  const findings: Finding[] = [];
  let parsed: ServerBlock[];
  try {
    parsed = parseCorefile(text, {
      file: options.file,
      environment: unset.environment,
      files: options.files,
      fill: (tokens) => placeholders.fill(tokens),
      warn: (at, problem) => findings.push(findingOf(RULES.ignored, { at, problem })),
    });
  } catch (error) {
    return { subject: undefined, findings: [findingOf(RULES.syntax, hitOf(error))] };
  }
  const blocks = parsed.flatMap((block) => readBlock(block, options, findings) ?? []);
  if (parsed.length === 0) {
    const at = { file: options.file, line: 1, column: 1 };
    findings.push(findingOf(RULES.noBlock, { at, problem: 'expected a server block' }));
  }
  findings.push(...conflictIn(blocks));
  const subject = {
    blocks,
    placeholderAt: (at: Position) => placeholders.at(at),
    unsetVariables: unset.in(text, options.file),
    knowsResolvConf: options.knowsResolvConf,
  };
  return { subject, findings };
}

/** Undefined where its keys are wrong. */
function readBlock(
  block: ServerBlock,
  options: ReadingOptions,
  findings: Finding[],
): LintBlock | undefined {
  const read = (directives: readonly Directive[], warn: (hit: Hit) => void) =>
    readServerBlocks([{ keys: block.keys, directives }], {
      defaultPort: 53,
      files: options.files,
      warn: ({ directive, at, problem }) => warn({ at, problem: `${directive}: ${problem}` }),
    })[0] as ServerConfig;
  const attempt = (rule: RuleName, directives: readonly Directive[]) => {
    try {
      read(directives, () => {});
      return true;
    } catch (error) {
      findings.push(findingOf(rule, hitOf(error)));
      return false;
    }
  };
  if (!attempt(RULES.zone, [])) return undefined;
  const good: Directive[] = [];
  for (const lines of byName(block.directives)) {
    if (attempt(ruleFor(lines[0]!.name.text), lines)) good.push(...lines);
  }
  const inOrder = block.directives.filter((line) => good.includes(line));
  const config = read(inOrder, (hit) => findings.push(findingOf(RULES.ignored, hit)));
  return { ast: block, config };
}

function ruleFor(name: string): RuleName {
  if (isKnown(name)) return RULES.directive;
  return COREDNS_ONLY.has(name) ? RULES.coreDns : RULES.unknown;
}

function byName(directives: readonly Directive[]): Iterable<Directive[]> {
  return Map.groupBy(directives, ({ name }) => name.text).values();
}

function conflictIn(blocks: readonly LintBlock[]): Finding[] {
  try {
    checkOverlap(
      blocks.map(({ config }) => config),
      boundWords,
    );
    return [];
  } catch (error) {
    return [findingOf(RULES.conflict, hitOf(error))];
  }
}

/** All that parser and readers throw is a CorefileError. */
function hitOf(error: unknown): Hit {
  if (!(error instanceof CorefileError)) throw error;
  const { at, problem, directive } = error;
  return { at, problem: directive === undefined ? problem : `${directive}: ${problem}` };
}

/** Variables that were asked for and are not set. */
class UnsetVariables {
  readonly environment: Environment;
  readonly #names = new Set<string>();

  constructor(environment: Environment) {
    this.environment = new Proxy(environment, {
      get: (variables, name) => {
        const value = variables[String(name)];
        if (value === undefined) this.#names.add(String(name));
        return value;
      },
    });
  }

  /** The first place of each in the text; one of an imported file stands at the text's start. */
  in(text: string, file: string): { name: string; at: Position }[] {
    const lines = text.split('\n');
    return [...this.#names].map((name) => {
      const holds = (line: string) => line.includes(`{$${name}}`) || line.includes(`{%${name}%}`);
      const line = lines.findIndex(holds);
      const column = line === -1 ? 0 : lines[line]!.search(/\{[$%]/);
      return { name, at: { file, line: Math.max(line, 0) + 1, column: column + 1 } };
    });
  }
}
