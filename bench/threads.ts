/**
 * The threads of a process one by one: how long each had a core, how long it waited for one, and on which it may run.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

export interface ThreadTimes {
  readonly cpuNs: number;
  /** Ready to run, while somebody else had the core. */
  readonly delayNs: number;
}

/** By thread id. Exact for threads that sleep or are stopped; one that runs is up to a tick of the scheduler behind. */
export function threadTimes(pid: number): Map<number, ThreadTimes> {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return new Map(threads.map((thread) => [thread, timesOf(pid, thread)]));
}

/** What each thread has taken since `before`. */
export function timesSince(pid: number, before: ReadonlyMap<number, ThreadTimes>) {
  const now = [...threadTimes(pid)];
  return new Map(
    now.map(([thread, { cpuNs, delayNs }]) => {
      const then = before.get(thread);
      const since = { cpuNs: cpuNs - (then?.cpuNs ?? 0), delayNs: delayNs - (then?.delayNs ?? 0) };
      return [thread, since as ThreadTimes];
    }),
  );
}

/** The one that took most CPU time. */
export function busiest(times: ReadonlyMap<number, ThreadTimes>): number {
  const [[thread] = [Number.NaN]] = [...times].sort(([, a], [, b]) => b.cpuNs - a.cpuNs);
  return thread!;
}

/** One thread to one core, before all others there where we may say so; the rest of its process stays where it is. */
export function prefer(thread: number, core: number): void {
  spawnSync('taskset', ['-c', '-p', String(core), String(thread)]);
  try {
    setPriority(thread, constants.priority.PRIORITY_HIGHEST);
  } catch {
    // Only root may; who measures sees by `delayNs` whether it matters.
  }
}

/** Whether SIGSTOP has reached every thread: those on other cores stop a moment later. */
export function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    // `TID (name) STATE ...`, and the name may hold anything.
    return text.charAt(text.lastIndexOf(')') + 2) === 'T';
  });
}

function timesOf(pid: number, thread: number): ThreadTimes {
  const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
  const [cpuNs, delayNs] = text.split(' ').map(Number);
  return { cpuNs: cpuNs!, delayNs: delayNs! };
}
