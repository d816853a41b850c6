/**
 * dnsperf (DNS-OARC's, of Debian's package) as a second witness: it plays 200 cached names to the same servers, and its figures
 * should say of them what those of our generator say. It judges no reply and knows no percentiles.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberedQuestions } from './load/questions.ts';
import { isInstalled, startProcess } from './processes.ts';
import type { RunReport } from './run.ts';

/** As `load/cli.ts` in the workload `few-names`. */
const NAMES = 200;
const WINDOW = 128;
const SOCKETS = 8;
const REPLY_TIMEOUT_SECONDS = 2;
const MARGIN_MS = 20_000;

export function hasWitness(): boolean {
  return isInstalled('dnsperf', '-h');
}

/** Its `-l` takes whole seconds. */
export async function runWitness(
  port: number,
  directory: string,
  core: number | undefined,
  seconds: number,
): Promise<RunReport> {
  const file = join(directory, 'dnsperf.questions');
  const lines = numberedQuestions(NAMES, 'h', 'bench.example.org', 'A');
  writeFileSync(file, lines.map(({ name, type }) => `${name} ${type}\n`).join(''));
  const whole = Math.ceil(seconds);
  const child = startProcess(
    [
      ...['dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(whole)],
      ...['-c', String(SOCKETS), '-q', String(WINDOW), '-T', '1'],
      ...['-t', String(REPLY_TIMEOUT_SECONDS)],
    ],
    core,
  );
  return parseWitness(await child.output(whole * 1000 + MARGIN_MS));
}

/** Throws where the text is not dnsperf's statistics. */
export function parseWitness(text: string): RunReport {
  const numberAfter = (label: string) => {
    const match = new RegExp(`^\\s*${label}:\\s*([\\d.]+)`, 'm').exec(text);
    if (match === null) throw new Error(`dnsperf does not say "${label}":\n${text}`);
    return Number(match[1]);
  };
  const unknown = Number.NaN;
  return {
    answered: numberAfter('Queries completed'),
    lost: numberAfter('Queries lost'),
    queriesPerSecond: numberAfter('Queries per second'),
    latencyUs: { p50: unknown, p90: unknown, p99: unknown, p999: unknown, max: unknown },
    latencyUsBy: {},
    ...{ notSent: 0, wrong: 0, duplicates: 0, unexpected: 0 },
  };
}
