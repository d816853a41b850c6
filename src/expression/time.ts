/**
 * Dates, durations and time zones as Go's package time has them. A date is kept with its zone by the engine's own calendar
 * (Temporal), which knows the zones of IANA; it reaches 270,000 years to both sides, a duration 292 years as in Go.
 */
import { nanosecondsText } from '../base/duration-text.ts';
import { ExpressionError } from './token.ts';

export const SECOND_NS = 1_000_000_000n;
const DURATION_MAX_NS = 2n ** 63n - 1n;
const DURATION_MIN_NS = -(2n ** 63n);
/** From the start of the year 1, where Go's time begins, to 1970. */
const YEAR_1_S = 62_135_596_800n;

export class Duration {
  readonly ns: bigint;

  /** Beyond 64 bits it wraps around, as Go's does. */
  constructor(ns: bigint) {
    this.ns = BigInt.asIntN(64, ns);
  }

  toString(): string {
    return nanosecondsText(this.ns);
  }
}

export class Timezone {
  /** As it was asked for, or the abbreviation of one that is only an offset. */
  readonly name: string;
  /** As the engine knows it. */
  readonly id: string;

  constructor(name: string, id = name) {
    this.name = name;
    this.id = id;
  }

  toString(): string {
    return this.name;
  }
}

export const UTC = new Timezone('UTC');

/** An integer that prints as a word: a month, or a day of the week. */
export class NamedInteger {
  readonly type: 'time.Month' | 'time.Weekday';
  readonly value: bigint;
  readonly name: string;

  constructor(type: NamedInteger['type'], value: bigint, name: string) {
    this.type = type;
    this.value = value;
    this.name = name;
  }

  toString(): string {
    return this.name;
  }
}

export class Moment {
  readonly at: Temporal.ZonedDateTime;
  readonly zone: Timezone;

  constructor(at: Temporal.ZonedDateTime, zone: Timezone) {
    this.at = at;
    this.zone = zone;
  }

  static of(epochNs: bigint, zone: Timezone): Moment {
    return inCalendar(() => new Moment(new Temporal.ZonedDateTime(epochNs, zone.id), zone));
  }

  /** Of what clocks of the zone show; where they show it twice or never, as Go decides: by the offset of the same time in UTC. */
  static ofWall(wall: Temporal.PlainDateTime, zone: Timezone): Moment {
    const wallNs = inCalendar(() => wall.toZonedDateTime('UTC').epochNanoseconds);
    const offsetNs = (epochNs: bigint) => BigInt(Moment.of(epochNs, zone).at.offsetNanoseconds);
    const guessNs = offsetNs(wallNs);
    return Moment.of(guessNs === 0n ? wallNs : wallNs - offsetNs(wallNs - guessNs), zone);
  }

  get epochNs(): bigint {
    return this.at.epochNanoseconds;
  }

  /** Since the start of the year 1. */
  get sinceYear1Ns(): bigint {
    return this.epochNs + YEAR_1_S * SECOND_NS;
  }

  plus(ns: bigint): Moment {
    return Moment.of(this.epochNs + ns, this.zone);
  }

  /** Go's longest duration where it is more. */
  minus(other: Moment): Duration {
    const ns = this.epochNs - other.epochNs;
    if (ns > DURATION_MAX_NS) return new Duration(DURATION_MAX_NS);
    return new Duration(ns < DURATION_MIN_NS ? DURATION_MIN_NS : ns);
  }
}

export type TimeValue = Duration | Timezone | NamedInteger | Moment;

/** What `work` gives; an `ExpressionError` where the calendar does not reach. */
export function inCalendar<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ExpressionError('date out of range');
  }
}

/** A zone of IANA's by its name; the empty one is UTC, `Local` that of this machine. Throws an `ExpressionError`. */
export function timezoneOf(name: string): Timezone {
  if (name === '' || name === 'UTC') return UTC;
  if (name === 'Local') return new Timezone(name, Temporal.Now.timeZoneId());
  // The engine takes offsets for zones as well; Go does not.
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) throw new ExpressionError(`unknown time zone ${name}`);
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ExpressionError(`unknown time zone ${name}`);
  }
  return new Timezone(name);
}

const DURATION = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/;
const PART = /(\d*)\.?(\d*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;
const UNITS_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: SECOND_NS,
  m: 60n * SECOND_NS,
  h: 3_600n * SECOND_NS,
};
/** Longer texts are no durations that anybody writes. */
const DURATION_TEXT_SIZE_MAX = 256;

/** Go's ParseDuration: `1h30m`, `-1.5s`. Throws an `ExpressionError`. */
export function durationOf(text: string): Duration {
  const invalid = () => new ExpressionError(`time: invalid duration ${JSON.stringify(text)}`);
  if (/^[+-]?0$/.test(text)) return new Duration(0n);
  if (text.length > DURATION_TEXT_SIZE_MAX || !DURATION.test(text)) throw invalid();
  let ns = 0n;
  for (const [, whole, fraction, unit] of text.matchAll(PART)) {
    const unitNs = UNITS_NS[unit!]!;
    ns += BigInt(whole!) * unitNs + (BigInt(fraction!) * unitNs) / 10n ** BigInt(fraction!.length);
  }
  if (text.startsWith('-')) ns = -ns;
  if (ns > DURATION_MAX_NS || ns < DURATION_MIN_NS) throw invalid();
  return new Duration(ns);
}

/** To a multiple of `unit`, toward zero. */
export function truncated(ns: bigint, unit: bigint): bigint {
  return unit > 0n ? ns - (ns % unit) : ns;
}

/** To a multiple of `unit`, halves away from zero. */
export function rounded(ns: bigint, unit: bigint): bigint {
  if (unit <= 0n) return ns;
  const rest = ns % unit;
  const magnitude = rest < 0n ? -rest : rest;
  if (2n * magnitude < unit) return ns - rest;
  return ns < 0n ? ns - rest - unit : ns - rest + unit;
}
