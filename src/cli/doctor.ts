/** `zerohop doctor`: walks the way a person would debug DNS on this node, and says what to do. */
import { hostname } from 'node:os';
import { printable } from '../base/printable.ts';
import { type CheckedFinding, runChecks, type Verdict } from '../doctor/check.ts';
import { CHECKS } from '../doctor/checks.ts';
import { type NodeOptions, thisNode } from '../doctor/this-node.ts';
import { localIpsOf } from './address-option.ts';
import { type Command, CommandError, type Output, readOptions, UsageError } from './command.ts';
import { CONTROL_HELP, CONTROL_OPTION } from './control-option.ts';
import { type Colour, coloured, paragraph } from './terminal-text.ts';

const HELP = `Usage: zerohop doctor [OPTIONS]

Examines DNS on this node, step by step, as a person would: the daemon and its
Corefile, interface and addresses, who listens, the rules and their lease, a
query to each address, the upstreams, a pod's resolv.conf, and what the kernel
and the cloud's network interface have dropped. Nothing is changed. It works
with the daemon down, too. It takes some 3 seconds, 15 at most.

Run it in the daemon's pod (kubectl exec), or as root on the node.

Options:
  --json                  findings as JSON
  --local-ip IP[,IP]      the addresses that the node's cache is meant to have
                          (default: from the daemon, else 169.254.20.10)
  --corefile FILE         its Corefile (default: from the daemon)
  --cluster-domain NAME   default: from the Corefile
  --pod-netns PID|PATH    look at a pod: a process of it, or its network
                          namespace; needs root on the node
  --resolv-conf FILE      the pod's resolv.conf
  --only NAME[,NAME]      these checks only; --checks lists them
  --checks                list the checks and end
${CONTROL_HELP}
Exit codes: 0 all is well, or was skipped; 1 warnings; 2 something failed, or
the command line is wrong. docs/doctor.md describes each check.
`;

const COLOURS: Record<Verdict, Colour> = {
  ok: 'green',
  warning: 'yellow',
  failed: 'red',
  skipped: 'dim',
};
/** Columns of the verdict and of the check's name. */
const VERDICT_WIDTH = 9;
const NAME_WIDTH = 15;

export const doctor: Command = {
  help: HELP,
  async run(args, output) {
    const { values } = readOptions(
      args,
      {
        ...CONTROL_OPTION,
        json: { type: 'boolean' },
        'local-ip': { type: 'string' },
        corefile: { type: 'string' },
        'cluster-domain': { type: 'string' },
        'pod-netns': { type: 'string' },
        'resolv-conf': { type: 'string' },
        only: { type: 'string' },
        checks: { type: 'boolean' },
      },
      0,
    );
    if (values.checks) {
      output.write(CHECKS.map(({ name }) => `${name}\n`).join(''));
      return 0;
    }
    const checks = chosenChecks(values.only);
    const node = await nodeFor({
      controlSocketPath: values['control-socket'],
      localIps: localIpsOf(values['local-ip']),
      corefilePath: values.corefile,
      clusterDomain: values['cluster-domain']?.replace(/\.$/, ''),
      pod: { netns: values['pod-netns'], resolvConfPath: values['resolv-conf'] },
    });
    const { localIps, origin } = node.target;
    if (!values.json) {
      output.write(
        `Node ${printable(hostname())}, addresses ${localIps.join(' ')} (from ${origin})\n\n`,
      );
    }
    let lastAdvice: string | undefined;
    const findings = await runChecks(checks, node, (finding) => {
      if (!values.json) output.write(findingText(finding, lastAdvice, output));
      lastAdvice = finding.advice;
    });
    if (values.json) output.write(jsonOf(findings, localIps));
    else output.write(`\n${summary(findings)}\n`);
    return exitCodeOf(findings);
  },
};

function chosenChecks(only: string | undefined): typeof CHECKS {
  if (only === undefined) return CHECKS;
  const names = only.split(',');
  const unknown = names.find((name) => !CHECKS.some((check) => check.name === name));
  if (unknown !== undefined) {
    const known = CHECKS.map(({ name }) => name).join(', ');
    throw new UsageError(`--only '${unknown}': expected ${known}`);
  }
  return CHECKS.filter(({ name }) => names.includes(name));
}

async function nodeFor(options: NodeOptions) {
  try {
    return await thisNode(options);
  } catch (error) {
    throw new CommandError(`doctor: ${(error as Error).message}`, 2);
  }
}

/** The verdict, the check, what is there; below, what to do, unless the finding before has said so. */
function findingText(
  { check, verdict, text, advice }: CheckedFinding,
  lastAdvice: string | undefined,
  output: Output,
): string {
  const indent = VERDICT_WIDTH + NAME_WIDTH;
  const body = paragraph(printable(text), indent, output).slice(indent);
  const head = coloured(output, COLOURS[verdict], verdict.padEnd(VERDICT_WIDTH));
  const line = `${head}${check.padEnd(NAME_WIDTH)}${body}`;
  if (advice === undefined || advice === lastAdvice) return line;
  const below = paragraph(`-> ${printable(advice)}`, indent, output);
  return line + (verdict === 'skipped' ? coloured(output, 'dim', below) : below);
}

function count(findings: readonly CheckedFinding[], verdict: Verdict): number {
  return findings.filter((finding) => finding.verdict === verdict).length;
}

function exitCodeOf(findings: readonly CheckedFinding[]): 0 | 1 | 2 {
  if (count(findings, 'failed') > 0) return 2;
  return count(findings, 'warning') > 0 ? 1 : 0;
}

function summary(findings: readonly CheckedFinding[]): string {
  const failures = count(findings, 'failed');
  const warnings = count(findings, 'warning');
  const counts = `${count(findings, 'ok')} ok, ${warnings} warning${warnings === 1 ? '' : 's'}, ${failures} failed, ${count(findings, 'skipped')} skipped`;
  const first = findings.find(({ verdict }) => verdict === 'failed');
  return first === undefined ? counts : `${counts}: begin with ${first.check}`;
}

function jsonOf(findings: readonly CheckedFinding[], localIps: readonly string[]): string {
  const report = {
    node: hostname(),
    localIps,
    ok: count(findings, 'ok'),
    warnings: count(findings, 'warning'),
    failed: count(findings, 'failed'),
    skipped: count(findings, 'skipped'),
    findings,
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
