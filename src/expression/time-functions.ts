/** Functions that make dates and durations, and the methods that Go's package time gives them. */
import { wallClockNs } from '../base/clock.ts';
import { type ExpressionFunction, ofTexts, type Parameter } from './function.ts';
import {
  Duration,
  durationOf,
  inCalendar,
  Moment,
  NamedInteger,
  rounded,
  SECOND_NS,
  Timezone,
  timezoneOf,
  truncated,
  UTC,
} from './time.ts';
import { formatted, MONTHS, momentText, nanosecondOf, WEEKDAYS, weekdayOf } from './time-layout.ts';
import { momentOf, momentOfAnyLayout } from './time-reader.ts';
import { ExpressionError } from './token.ts';
import { typeOf, type Value, type ValueType } from './value.ts';

/** In steps: the calendar takes some microseconds for a date, and a hundred for a zone that is new to it. */
const CALENDAR_COST = 50;

/** `TEXT [LAYOUT [ZONE]]`, or a zone before them in which the text is read. */
function date(first: Value, ...others: Value[]): Value {
  const zone = first instanceof Timezone ? first : undefined;
  const [text, layout, zoneName] = zone === undefined ? [first, ...others] : others;
  if (typeof text !== 'string') throw new ExpressionError('date: expected a string');
  if (layout === undefined) return momentOfAnyLayout(text, zone ?? UTC);
  const ownZone = zoneName === undefined ? undefined : timezoneOf(String(zoneName));
  return momentOf(text, String(layout), ownZone ?? zone ?? UTC);
}

export const TIME_FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = {
  now: {
    parameters: ['time.Location'],
    needed: 0,
    result: 'time.Time',
    cost: CALENDAR_COST,
    call: (zone = timezoneOf('Local')) => Moment.of(wallClockNs(), zone as Timezone),
  },
  date: {
    parameters: ['any', 'string', 'string', 'string'],
    needed: 1,
    result: 'time.Time',
    cost: CALENDAR_COST,
    call: date,
  },
  duration: ofTexts(1, 'time.Duration', durationOf),
  timezone: { ...ofTexts(1, 'time.Location', timezoneOf), cost: CALENDAR_COST },
};

/** The first parameter is what it is called on. */
type Methods = ReadonlyMap<string, ExpressionFunction>;

function ofMoment(
  result: ValueType,
  call: (moment: Moment, ...values: Value[]) => Value,
  parameters: readonly Parameter[] = [],
): ExpressionFunction {
  return {
    parameters: ['time.Time', ...parameters],
    result,
    cost: CALENDAR_COST,
    call: (moment, ...values) => call(moment as Moment, ...values),
  };
}

/** A part of the date. */
function part(read: (moment: Moment) => number): ExpressionFunction {
  return ofMoment('int', (moment) => BigInt(read(moment)));
}

function since1970(unitNs: bigint): ExpressionFunction {
  // Toward the past, as seconds before 1970 count.
  return ofMoment('int', ({ epochNs }) => {
    const whole = epochNs / unitNs;
    return epochNs % unitNs < 0n ? whole - 1n : whole;
  });
}

function comparing(holds: (difference: bigint) => boolean): ExpressionFunction {
  const call = (moment: Moment, other: Value) => holds(moment.epochNs - (other as Moment).epochNs);
  return ofMoment('bool', call, ['time.Time']);
}

function moved(to: (ns: bigint, unitNs: bigint) => bigint): ExpressionFunction {
  const call = (moment: Moment, unit: Value) => {
    const ns = moment.sinceYear1Ns;
    return moment.plus(to(ns, (unit as Duration).ns) - ns);
  };
  return ofMoment('time.Time', call, ['time.Duration']);
}

/** Of a calendar of days: the 31st of a month that has 30 is the first of the next. */
function addDate(moment: Moment, ...parts: Value[]): Value {
  const [years, months, days] = parts.map(Number) as [number, number, number];
  const { at, zone } = moment;
  const wall = inCalendar(() => {
    const date = at.toPlainDate().with({ day: 1 }).add({ years, months });
    return date.add({ days: days + at.day - 1 }).toPlainDateTime(at.toPlainTime());
  });
  return Moment.ofWall(wall, zone);
}

function inZone(
  zone: (asked: Value | undefined) => Timezone,
  parameters: readonly Parameter[] = [],
) {
  const call = ({ epochNs }: Moment, asked?: Value) => Moment.of(epochNs, zone(asked));
  return ofMoment('time.Time', call, parameters);
}

const MOMENT_METHODS: Methods = new Map([
  ['Year', part(({ at }) => at.year)],
  [
    'Month',
    ofMoment('time.Month', ({ at }) => {
      return new NamedInteger('time.Month', BigInt(at.month), MONTHS[at.month - 1]!);
    }),
  ],
  ['Day', part(({ at }) => at.day)],
  ['Hour', part(({ at }) => at.hour)],
  ['Minute', part(({ at }) => at.minute)],
  ['Second', part(({ at }) => at.second)],
  ['Nanosecond', part(nanosecondOf)],
  ['YearDay', part(({ at }) => at.dayOfYear)],
  [
    'Weekday',
    ofMoment('time.Weekday', (moment) => {
      const day = weekdayOf(moment);
      return new NamedInteger('time.Weekday', BigInt(day), WEEKDAYS[day]!);
    }),
  ],
  ['Unix', since1970(SECOND_NS)],
  ['UnixMilli', since1970(1_000_000n)],
  ['UnixMicro', since1970(1_000n)],
  ['UnixNano', ofMoment('int', ({ epochNs }) => BigInt.asIntN(64, epochNs))],
  ['IsZero', ofMoment('bool', ({ sinceYear1Ns }) => sinceYear1Ns === 0n)],
  [
    'Format',
    ofMoment('string', (moment, layout) => formatted(moment, layout as string), ['string']),
  ],
  ['String', ofMoment('string', momentText)],
  [
    'Add',
    ofMoment('time.Time', (moment, span) => moment.plus((span as Duration).ns), ['time.Duration']),
  ],
  ['AddDate', ofMoment('time.Time', addDate, ['int', 'int', 'int'])],
  [
    'Sub',
    ofMoment('time.Duration', (moment, other) => moment.minus(other as Moment), ['time.Time']),
  ],
  ['Truncate', moved(truncated)],
  ['Round', moved(rounded)],
  ['Before', comparing((difference) => difference < 0n)],
  ['After', comparing((difference) => difference > 0n)],
  ['Equal', comparing((difference) => difference === 0n)],
  [
    'Compare',
    ofMoment(
      'int',
      (moment, other) => BigInt(Math.sign(Number(moment.epochNs - (other as Moment).epochNs))),
      ['time.Time'],
    ),
  ],
  ['UTC', inZone(() => UTC)],
  ['Local', inZone(() => timezoneOf('Local'))],
  ['In', inZone((zone) => zone as Timezone, ['time.Location'])],
  ['Location', ofMoment('time.Location', ({ zone }) => zone)],
]);

function ofDuration(
  result: ValueType,
  call: (ns: bigint, unitNs: bigint) => Value,
  parameters: readonly Parameter[] = [],
): ExpressionFunction {
  return {
    parameters: ['time.Duration', ...parameters],
    result,
    call: (span, unit) => call((span as Duration).ns, unit instanceof Duration ? unit.ns : 0n),
  };
}

/** As a float. */
function inUnits(unitNs: bigint): ExpressionFunction {
  return ofDuration('float', (ns) => Number(ns / unitNs) + Number(ns % unitNs) / Number(unitNs));
}

function changed(to: (ns: bigint, unitNs: bigint) => bigint): ExpressionFunction {
  return ofDuration('time.Duration', (ns, unitNs) => new Duration(to(ns, unitNs)), [
    'time.Duration',
  ]);
}

const DURATION_METHODS: Methods = new Map([
  ['Hours', inUnits(3_600n * SECOND_NS)],
  ['Minutes', inUnits(60n * SECOND_NS)],
  ['Seconds', inUnits(SECOND_NS)],
  ['Milliseconds', ofDuration('int', (ns) => ns / 1_000_000n)],
  ['Microseconds', ofDuration('int', (ns) => ns / 1_000n)],
  ['Nanoseconds', ofDuration('int', (ns) => ns)],
  ['Abs', ofDuration('time.Duration', (ns) => new Duration(ns < 0n ? -ns : ns))],
  ['Round', changed(rounded)],
  ['Truncate', changed(truncated)],
  ['String', ofDuration('string', (ns) => String(new Duration(ns)))],
]);

/** What has no method but this one. */
function printing(type: ValueType): Methods {
  return new Map([['String', { parameters: [type], result: 'string', call: String }]]);
}

/** By the type of what they are called on. */
export const METHODS: ReadonlyMap<ValueType, Methods> = new Map<ValueType, Methods>([
  ['time.Time', MOMENT_METHODS],
  ['time.Duration', DURATION_METHODS],
  ['time.Location', printing('time.Location')],
  ['time.Month', printing('time.Month')],
  ['time.Weekday', printing('time.Weekday')],
]);

/** The method, where the value has one of that name. */
export function methodOf(value: Value, name: string): ExpressionFunction | undefined {
  return METHODS.get(typeOf(value))?.get(name);
}
