/**
 * What a process has cost so far and holds now, as the kernel knows it: /proc/PID of Linux.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpuTimeNs } from './load/cpu-time.ts';

export interface Costs {
  readonly cpuNs: number;
  /** How often a thread gave up the processor to wait: each is one wake-up later. */
  readonly wakeUps: number;
  /** Memory that no file backs; the cache's memory file is not in it, but in `residentBytes`. */
  readonly anonymousBytes: number;
  readonly residentBytes: number;
}

/** Throws where there is no such process. */
export function costsOf(pid: number): Costs {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return {
    cpuNs: cpuTimeNs(pid) ?? Number.NaN,
    wakeUps: wakeUpsOf(pid),
    anonymousBytes: kilobytes(rollup, 'Anonymous'),
    residentBytes: kilobytes(rollup, 'Rss'),
  };
}

function wakeUpsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
    return sum + Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  }, 0);
}

function kilobytes(rollup: string, field: string): number {
  const match = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(rollup);
  return Number(match?.[1] ?? Number.NaN) * 1024;
}
