import { setTimeout as pause } from 'node:timers/promises';

/** Resolves no earlier than after `ms`: a timer of Node counts from the beginning of the turn that sets it, in whole milliseconds. */
export async function pauseAtLeast(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  for (let leftMs = ms; leftMs > 0; leftMs = endMs - performance.now())
    await pause(Math.ceil(leftMs));
}
