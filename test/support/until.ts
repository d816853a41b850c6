/**
 * For what time or another process brings about without telling: looks again and again, up to a bound.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DEADLINE_MS } from './deadline.ts';

const LOOK_EVERY_MS = 20;

/** Resolves once `look` no longer rejects nor gives false; rejects with its last error when time is up. */
export async function until(
  what: string,
  look: () => unknown,
  timeoutMs = DEADLINE_MS,
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    try {
      if ((await look()) !== false) return;
      if (signal.aborted) throw new Error('it does not hold');
    } catch (cause) {
      if (signal.aborted) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    }
    await pause(LOOK_EVERY_MS);
  }
}
