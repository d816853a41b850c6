/** Names of the error numbers that callers tell apart or that an operator meets. */
import { constants } from 'node:os';

export const ERRNO = constants.errno;

const NAMES = new Map(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** `ENOENT` for 2; a number without a name keeps its number. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** A failed system call: what was called and why it failed, in libc's names. */
export class SystemCallError extends Error {
  readonly call: string;
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.name = 'SystemCallError';
    this.call = call;
    this.code = code;
  }
}

export function isSystemCallError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof SystemCallError && codes.includes(error.code);
}

/** What fails by this code is as it should be already; any other failure is thrown on. */
export function unless(code: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isSystemCallError(error, code)) throw error;
  }
}
