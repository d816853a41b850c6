/** The calling thread's signal mask, which Node leaves to its own needs. */
import { assert } from '../base/invariant.ts';
import { type Libc, OS, Pinned } from './libc.ts';

/** `sigset_t` of glibc and musl: 1,024 bits, the first of them signal 1. */
const SIGNAL_SET_SIZE = 128;

/** Lets this thread take a signal that is blocked; one that has come meanwhile is delivered at once. */
export function unblockSignal(libc: Libc, signal: number): void {
  const set = new Pinned(libc, SIGNAL_SET_SIZE);
  set.octets[(signal - 1) >> 3] = 1 << ((signal - 1) & 7);
  const error = libc.pthread_sigmask(OS.SIG_UNBLOCK, set.address, 0);
  assert(error === 0, 'the signal and what to do with it are valid');
}
