/**
 * Runs `stub.c` and `tcp-stub.ts` in pods, and reads what it records.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { compile } from '../support/c-program.ts';
import type { Place } from './lab.ts';
import { SEARCH } from './topology.ts';

/** A look-up at a time since the start. */
export interface Planned {
  readonly atUs: number;
  readonly name: string;
}

/** One query of a stub, from its first try to its answer. */
export interface QueryRecord {
  readonly lookup: number;
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  readonly sentUs: number;
  readonly latencyUs: number;
  /** -1: no answer in all tries. */
  readonly rcode: number;
  readonly ttlS: number;
  readonly tries: number;
}

export interface LookupRecord {
  readonly lookup: number;
  readonly startUs: number;
  readonly latencyUs: number;
  /** EAI_NONAME, EAI_AGAIN. */
  readonly result: 'ok' | 'noname' | 'again';
  readonly name: string;
}

export interface StubRecords {
  readonly queries: QueryRecord[];
  readonly lookups: LookupRecord[];
}

export interface StubOptions {
  readonly server: string;
  /** CLOCK_MONOTONIC, so that stubs of many pods start together; default: at once. */
  readonly startAtUs?: number;
  /** Default: the pod's search path; false: names are asked as they stand. */
  readonly withSearch?: boolean;
  readonly timeoutMs?: number;
  readonly tries?: number;
  readonly aOnly?: boolean;
  readonly oneSocket?: boolean;
}

/** `process.hrtime` is CLOCK_MONOTONIC. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** For `runStub`. */
export async function compileStub(folder: string): Promise<readonly string[]> {
  return [await compile(join(import.meta.dirname, 'stub.c'), 'cc', folder)];
}

/** For `runStub`; it knows neither a search path nor types. */
export const TCP_STUB: readonly string[] = [
  process.execPath,
  join(import.meta.dirname, 'tcp-stub.ts'),
];

/** Resolves with the records when the schedule is done and every query is answered or given up. */
export async function runStub(
  program: readonly string[],
  pod: Place,
  schedule: readonly Planned[],
  options: StubOptions,
  folder: string,
): Promise<StubRecords> {
  const path = mkdtempSync(join(folder, 'stub-'));
  const lines = schedule.map(({ atUs, name }) => `${Math.round(atUs)} ${name}\n`);
  writeFileSync(join(path, 'schedule'), lines.join(''));
  const input = openSync(join(path, 'schedule'), 'r');
  const output = openSync(join(path, 'records'), 'w');
  const command = [...pod.enter, ...program, ...flagsOf(options)];
  const child = spawn(command[0]!, command.slice(1), { stdio: [input, output, 'pipe'] });
  closeSync(input);
  closeSync(output);
  const [stderr, [status, signal]] = await Promise.all([text(child.stderr!), once(child, 'close')]);
  if (status !== 0) throw new Error(`stub in ${pod.namespace}: ${status ?? signal} ${stderr}`);
  return readRecords(join(path, 'records'));
}

function flagsOf(options: StubOptions): string[] {
  const flags = ['--server', options.server];
  if (options.startAtUs !== undefined) flags.push('--start-at', String(options.startAtUs));
  if (options.withSearch !== false) flags.push('--search', SEARCH.join(','));
  if (options.timeoutMs !== undefined) flags.push('--timeout-ms', String(options.timeoutMs));
  if (options.tries !== undefined) flags.push('--tries', String(options.tries));
  if (options.aOnly === true) flags.push('--a-only');
  if (options.oneSocket === true) flags.push('--one-socket');
  return flags;
}

async function readRecords(path: string): Promise<StubRecords> {
  const records: StubRecords = { queries: [], lookups: [] };
  for await (const line of createInterface(createReadStream(path))) {
    const [kind, lookup, ...fields] = line.split(' ');
    if (kind === 'Q') {
      const [name, type, sentUs, latencyUs, rcode, ttlS, tries] = fields;
      records.queries.push({
        lookup: Number(lookup),
        name: name!,
        type: type as 'A' | 'AAAA',
        sentUs: Number(sentUs),
        latencyUs: Number(latencyUs),
        rcode: Number(rcode),
        ttlS: Number(ttlS),
        tries: Number(tries),
      });
    } else {
      const [startUs, latencyUs, result, name] = fields;
      records.lookups.push({
        lookup: Number(lookup),
        startUs: Number(startUs),
        latencyUs: Number(latencyUs),
        result: result as LookupRecord['result'],
        name: name!,
      });
    }
  }
  return records;
}
