/** Time slices of threads, as the kernel shows them. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';

/** For `skip`: why a thread's own slice cannot be seen here, or false. */
export function noSlices(): string | false {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 12))
    return 'a thread has no slice of its own before Linux 6.12';
  const isShown = existsSync('/proc/self/sched') && !Number.isNaN(sliceNs('/proc/self'));
  return !isShown && 'the kernel does not show slices';
}

/** In nanoseconds, of the thread whose folder in /proc this is; NaN where it is not shown. */
export function sliceNs(thread: string): number {
  return schedField(thread, 'se\\.slice');
}

/** A number of /proc/PID/sched. */
export function schedField(thread: string, name: string): number {
  const text = readFileSync(`${thread}/sched`, 'latin1');
  return Number(new RegExp(`^${name} +: +(\\d+)$`, 'm').exec(text)?.[1]);
}
