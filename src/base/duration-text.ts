/**
 * Durations as Go's time.Duration prints them: `0s`, `1.5ms`, `30s`, `1m0s`, `2h0m0.25s`. CoreDNS's log lines and
 * node-cache's usage text have them so. Reading such text belongs to the Corefile (directives/duration.ts).
 */

/** Go shows a duration below one second in the largest of these units that gives a number of at least 1. */
const SMALL_UNITS = [
  { name: 'ms', nanoseconds: 1_000_000n },
  { name: 'µs', nanoseconds: 1_000n },
  { name: 'ns', nanoseconds: 1n },
] as const;

const SECOND = 1_000_000_000n;
const MINUTE = 60n;
const HOUR = 60n * MINUTE;

/** The text of a duration in milliseconds, rounded to nanoseconds. */
export function durationText(durationMs: number): string {
  return nanosecondsText(BigInt(Math.round(durationMs * 1e6)));
}

/** The text of a duration in nanoseconds. */
export function nanosecondsText(nanoseconds: bigint): string {
  return nanoseconds < 0n ? `-${magnitudeText(-nanoseconds)}` : magnitudeText(nanoseconds);
}

function magnitudeText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < SECOND) {
    const unit = SMALL_UNITS.find((candidate) => nanoseconds >= candidate.nanoseconds)!;
    return decimal(nanoseconds, unit.nanoseconds) + unit.name;
  }
  const seconds = nanoseconds / SECOND;
  const hours = seconds >= HOUR ? `${seconds / HOUR}h` : '';
  const minutes = seconds >= MINUTE ? `${(seconds % HOUR) / MINUTE}m` : '';
  return `${hours}${minutes}${decimal(nanoseconds % (MINUTE * SECOND), SECOND)}s`;
}

/** Whole seconds and their fraction, `0.000123456`, never with an exponent: as Go's FormatFloat(seconds, 'f', -1). */
export function secondsText(durationMs: number): string {
  return decimal(BigInt(Math.max(0, Math.round(durationMs * 1e6))), SECOND);
}

/** `value / unit` in full; `unit` is a power of ten. */
function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(value % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  const whole = String(value / unit);
  return digits === 0 || fraction === '' ? whole : `${whole}.${fraction}`;
}
