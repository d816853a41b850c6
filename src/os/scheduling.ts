/** How the kernel's scheduler treats a thread (sched_setattr(2)). */
import { type Libc, Pinned } from './libc.ts';

/** By number: the C library has no functions for them before glibc 2.41. */
const SYSTEM_CALLS: Partial<Record<NodeJS.Architecture, { set: number; get: number }>> = {
  x64: { set: 314, get: 315 },
  arm64: { set: 274, get: 275 },
};

/** `struct sched_attr`, and where its `sched_runtime` of eight octets lies. */
const SCHED_ATTR_SIZE = 56;
const RUNTIME = 24;

/**
 * Asks for time slices of so many microseconds, 100 at least, for the calling thread. Its share of a CPU stays what it is; but where it
 * wakes and its slice is shorter than that of whoever runs, it takes over at once, instead of waiting for that slice of 1 to 3 ms to end. Linux
 * has this since 6.12, without a privilege. False where the kernel refuses; an older one says nothing.
 */
export function requestSlice(libc: Libc, us: number): boolean {
  const calls = SYSTEM_CALLS[process.arch];
  if (calls === undefined) return false;
  const attributes = new Pinned(libc, SCHED_ATTR_SIZE);
  const { address } = attributes;
  if (libc.syscall(calls.get, 0, address, SCHED_ATTR_SIZE, 0) < 0) return false;
  attributes.setPointer(RUNTIME, us * 1000);
  return libc.syscall(calls.set, 0, address, 0, 0) === 0;
}
