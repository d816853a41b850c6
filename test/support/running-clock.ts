import { type Clock, systemClock } from '../../src/base/clock.ts';

const LOOK_EVERY_MS = 5;
/** Longer than from one look to the next while the event loop turns. */
const PASSES_MAX_MS = 10;

/**
 * The time in which this process runs. Where it is stopped, what its other sockets would have answered meanwhile has not come either:
 * on this clock no time-out runs out over it.
 */
export function createRunningClock(): Clock {
  let seenMs = systemClock.nowMs();
  let runMs = seenMs;
  const look = () => {
    const nowMs = systemClock.nowMs();
    runMs += Math.min(nowMs - seenMs, PASSES_MAX_MS);
    seenMs = nowMs;
    return runMs;
  };
  setInterval(look, LOOK_EVERY_MS).unref();
  return { nowMs: look };
}
