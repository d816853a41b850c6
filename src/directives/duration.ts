/** Durations as Go's time.ParseDuration reads them: `1h2m3.5s`, `300ms`, `-1.5h`, `0`. */

/** Milliseconds by unit; the micro sign and the Greek letter are two characters for one unit. */
const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const NUMBER = String.raw`(\d+\.?\d*|\.\d+)`;
const UNIT = '(ns|us|µs|μs|ms|s|m|h)';
const DURATION = new RegExp(`^[+-]?(?:${NUMBER}${UNIT})+$`);
const TERM = new RegExp(`${NUMBER}${UNIT}`, 'g');
/** Go counts nanoseconds in 63 bits. */
const DURATION_MAX_MS = 2 ** 63 / 1e6;

/** Milliseconds, with a fraction where the text has one; undefined where it is no duration. */
export function durationMs(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!DURATION.test(text)) return undefined;
  let sumMs = 0;
  for (const [, count = '', unit = ''] of text.matchAll(TERM)) {
    sumMs += Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  }
  if (sumMs >= DURATION_MAX_MS) return undefined;
  return text.startsWith('-') ? -sumMs : sumMs;
}
