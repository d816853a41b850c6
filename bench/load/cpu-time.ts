/**
 * The CPU time of a process in nanoseconds: the sum of the first number of /proc/PID/task/TID/schedstat over its threads,
 * which the scheduler keeps exactly, where utime and stime of /proc/PID/stat count in ticks of 10 ms.
 *
 * A thread that ended takes its time along, and a running thread's time is up to one scheduler tick behind: read it while
 * the process waits.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Undefined when there is no such process. */
export function cpuTimeNs(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + threadTimeNs(pid, thread), 0);
  } catch {
    return undefined;
  }
}

function threadTimeNs(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
  } catch {
    return 0; // it ended since the directory was read
  }
}
