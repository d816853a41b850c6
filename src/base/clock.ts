/**
 * The only door to time. Everything that compares times takes a `Clock`, so that tests can turn it by hand.
 * Wall-clock time is for log lines and for expressions that ask for it: no TTL may change when somebody sets the clock.
 */

export interface Clock {
  /** Milliseconds of CLOCK_MONOTONIC, with fractions; the same in every thread and process of the machine. */
  nowMs(): number;
}

/** CLOCK_MONOTONIC, which is what `process.hrtime` reads. */
export const systemClock: Clock = {
  nowMs() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
};

/** Seconds since 1970, for what the DNS itself dates so: the validity of signatures. */
export function wallClockS(): number {
  return Math.floor(Date.now() / 1000);
}

/** Nanoseconds since 1970, to the millisecond. */
export function wallClockNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
