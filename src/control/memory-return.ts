/**
 * Gives memory that malloc has freed back to the kernel. V8 compiles on threads of its own and frees some 20 MB when the hot code is
 * compiled; glibc keeps it, since what is still in use lies in between (bench/memory.ts: 44 MB anonymous instead of 65).
 */
import type { Libc } from '../os/libc.ts';

/**
 * The first time takes 1.4 ms, a later one with nothing to give back 0.05 ms, on the main thread; responders neither allocate nor wait
 * for it.
 */
const EVERY_MS = 10_000;

/** Until the process ends; does nothing where the C library cannot. */
export function returnMemory(libc: Libc | Error, everyMs = EVERY_MS): NodeJS.Timeout | undefined {
  if (libc instanceof Error) return undefined;
  const { malloc_trim: trim } = libc;
  if (trim === undefined) return undefined;
  return setInterval(() => trim(0), everyMs).unref();
}
