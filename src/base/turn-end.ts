/**
 * The end of a turn of the event loop: what has come together during the turn leaves, then the thread may pause. Like `setImmediate`,
 * which says nothing of what comes last, this is the thread's and not an object's.
 */
import { Newest } from './newest.ts';

const runs: (() => void)[] = [];
const newest = new Newest<NodeJS.Immediate>();
let pause: (() => void) | undefined;
let isDue = false;

/** Has `run` called when the turn's other callbacks have run. What it gives in turn is called behind it, in the same turn. */
export function atTurnEnd(run: () => void): void {
  runs.push(run);
  if (!isDue) schedule();
}

/** Has `sleep` called behind all of this turn's runs, at most once a turn; what it gives to `atTurnEnd` is the next turn's. */
export function pauseAfterTurn(sleep: () => void): void {
  pause = sleep;
  if (!isDue) schedule();
}

function schedule(): void {
  isDue = true;
  newest.hold(setImmediate(end));
}

function end(): void {
  let next = 0;
  try {
    while (next < runs.length) runs[next++]!();
  } finally {
    // One that throws must not take the others with it: they run in the next turn.
    if (next < runs.length) runs.splice(0, next);
    else runs.length = 0;
    isDue = false;
    if (runs.length > 0) schedule();
  }
  const sleep = pause;
  pause = undefined;
  sleep?.();
}
