/**
 * A bound on waiting, for tests: what does not come is a failure that names what was waited for, never a hang.
 */

/** Long enough for a loaded machine; a test that passes never waits this long. */
export const DEADLINE_MS = 20_000;

/** The promise's value, or a rejection that names `what` after `timeoutMs`. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  timeoutMs = DEADLINE_MS,
): Promise<T> {
  const { promise: expiry, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`no ${what} within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
