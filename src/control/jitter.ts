/** An interval that differs each time, so that a thousand nodes do not act in the same second. */
export function jittered(intervalMs: number, jitterMs: number): number {
  return intervalMs + (Math.random() - 0.5) * jitterMs;
}
