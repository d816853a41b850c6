/** `zerohop lint`: whether a Corefile will run, and what in it is a known trap. */
import { existsSync } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import { printable } from '../base/printable.ts';
import type { Finding, Level } from '../lint/finding.ts';
import { countLevel, lint as lintSources } from '../lint/lint.ts';
import { ALL_RULES } from '../lint/rules.ts';
import { joinSources, readSource, type Sources, textSource } from '../lint/source.ts';
import { localIpsOf } from './address-option.ts';
import { type Command, CommandError, type Output, readOptions } from './command.ts';
import { type Colour, coloured, paragraph } from './terminal-text.ts';

const HELP = `Usage: zerohop lint [OPTIONS] [FILE...]

Says whether a Corefile will run, with the daemon's own parser, what in it is
known to go wrong on a node, and what node-cache does otherwise.

A FILE is a Corefile, a template with __PILLAR__ placeholders, a Kubernetes
manifest (YAML or JSON) with a ConfigMap that holds one, or the directory of a
mounted kube-dns ConfigMap; - is standard input. Without any: in the daemon's
pod its template and the kube-dns ConfigMap, elsewhere ./Corefile.

Options:
  --json               findings as JSON
  --local-ip IP[,IP]   what __PILLAR__LOCAL__DNS__ stands for
                       (default 169.254.20.10)
  --resolv-conf FILE   the node's /etc/resolv.conf; without it, lint does not
                       know whom a node asks for external names
  --rules              list all rules and end

Exit codes: 0 nothing, or notes only; 1 warnings; 2 it will not run, or cannot
be read. docs/lint.md describes each rule.
`;

const OPERANDS_MAX = 16;
/** Where the stock manifest mounts them. */
const TEMPLATE_PATH = '/etc/coredns/Corefile.base';
const KUBE_DNS_PATH = '/etc/kube-dns';
const DEFAULT_PATH = 'Corefile';
const COLOURS: Record<Level, Colour> = { error: 'red', warning: 'yellow', note: 'cyan' };

export const lint: Command = {
  help: HELP,
  async run(args, output) {
    const { values, positionals } = readOptions(
      args,
      {
        json: { type: 'boolean' },
        'local-ip': { type: 'string' },
        'resolv-conf': { type: 'string' },
        rules: { type: 'boolean' },
      },
      OPERANDS_MAX,
    );
    if (values.rules) {
      output.write(ruleList());
      return 0;
    }
    const findings = lintSources(await read(positionals), {
      localIps: localIpsOf(values['local-ip']),
      resolvConfPath: values['resolv-conf'],
      environment: process.env,
    });
    output.write(values.json ? jsonOf(findings) : textFor(findings, output));
    return exitCodeOf(findings);
  },
};

function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 2 {
  if (countLevel(findings, 'error') > 0) return 2;
  return countLevel(findings, 'warning') > 0 ? 1 : 0;
}

async function read(operands: readonly string[]): Promise<Sources> {
  const paths = operands.length > 0 ? operands : defaultOperands();
  const sources: Sources[] = [];
  for (const path of paths) {
    try {
      sources.push(
        path === '-' ? textSource('stdin', await textOf(process.stdin)) : readSource(path),
      );
    } catch (error) {
      throw new CommandError(`lint: ${(error as Error).message}`, 2);
    }
  }
  return joinSources(sources);
}

function defaultOperands(): string[] {
  if (!existsSync(TEMPLATE_PATH)) return [DEFAULT_PATH];
  return existsSync(KUBE_DNS_PATH) ? [TEMPLATE_PATH, KUBE_DNS_PATH] : [TEMPLATE_PATH];
}

function jsonOf(findings: readonly Finding[]): string {
  const report = {
    willRun: countLevel(findings, 'error') === 0,
    errors: countLevel(findings, 'error'),
    warnings: countLevel(findings, 'warning'),
    notes: countLevel(findings, 'note'),
    findings: findings.map(({ rule, level, at, problem, advice }) => ({
      rule,
      level,
      ...at,
      problem,
      advice,
    })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** `FILE:LINE:COLUMN: LEVEL: PROBLEM [RULE]`, as compilers write it and editors read it, and the advice below. */
function textFor(findings: readonly Finding[], output: Output): string {
  const parts = findings.map(({ rule, level, at, problem, advice }) => {
    const place = coloured(output, 'bold', printable(`${at.file}:${at.line}:${at.column}:`));
    const what = coloured(output, COLOURS[level], `${level}:`);
    const name = coloured(output, 'dim', `[${rule}]`);
    const line = `${place} ${what} ${printable(problem)} ${name}\n`;
    return advice === undefined ? line : line + paragraph(printable(advice), 4, output);
  });
  return `${parts.join('')}${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const errors = countLevel(findings, 'error');
  const warnings = countLevel(findings, 'warning');
  const notes = countLevel(findings, 'note');
  const verdict = errors > 0 ? 'will not run' : 'will run';
  return `${verdict}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}, ${counted(notes, 'note')}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function ruleList(): string {
  return ALL_RULES.map(({ name, level, summary: text }) => {
    return `${name.padEnd(22)} ${level.padEnd(8)} ${text}\n`;
  }).join('');
}
