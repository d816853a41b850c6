/** Reads dates by Go's layouts (time-layout.ts), as time.ParseInLocation does: what the layout does not say is the year 0. */

import { Moment, Timezone, UTC } from './time.ts';
import { abbreviation, type LayoutPiece, layoutPieces, MONTHS, WEEKDAYS } from './time-layout.ts';
import { ExpressionError } from './token.ts';

/** The layouts that `date` tries by itself. */
const LAYOUTS: readonly string[] = [
  ...['2006-01-02', '15:04:05', '2006-01-02 15:04:05', '2006-01-02T15:04:05Z07:00'],
  ...['02 Jan 06 15:04 MST', 'Monday, 02-Jan-06 15:04:05 MST', 'Mon, 02 Jan 2006 15:04:05 MST'],
];

/** Throws an `ExpressionError`. */
export function momentOf(text: string, layout: string, zone: Timezone): Moment {
  const moment = new Reader(text, layout).read(zone);
  if (moment !== undefined) return moment;
  const quoted = JSON.stringify(text);
  throw new ExpressionError(`parsing time ${quoted} as ${JSON.stringify(layout)}: no such date`);
}

/** By the first layout that fits. Throws an `ExpressionError`. */
export function momentOfAnyLayout(text: string, zone: Timezone): Moment {
  for (const layout of LAYOUTS) {
    const moment = new Reader(text, layout).read(zone);
    if (moment !== undefined) return moment;
  }
  throw new ExpressionError(`invalid date ${text}`);
}

/** What a piece fits, and what it says; `undefined` from `set` where the value is out of range. */
interface Piece {
  readonly pattern: RegExp;
  readonly set: (fields: Fields, match: readonly string[]) => boolean;
}

interface Fields {
  year: number;
  month: number;
  day: number;
  dayOfYear: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  half: 'am' | 'pm' | undefined;
  /** Seconds east of UTC. */
  offsetS: number | undefined;
  zoneName: string;
  isUtc: boolean;
}

type NumericField = 'year' | 'month' | 'day' | 'dayOfYear' | 'hour' | 'minute' | 'second';

function number(pattern: RegExp, field: NumericField, min: number, max: number): Piece {
  const set: Piece['set'] = (fields, [text]) => {
    fields[field] = Number(text!.trim());
    return fields[field] >= min && fields[field] <= max;
  };
  return { pattern, set };
}

function monthName(size: number | undefined): Piece {
  const names = MONTHS.map((name) => name.slice(0, size).toLowerCase());
  const set: Piece['set'] = (fields, [text]) => {
    fields.month = names.indexOf(text!.toLowerCase()) + 1;
    return true;
  };
  return { pattern: new RegExp(names.join('|'), 'iy'), set };
}

/** Whether it is the right day of the week nobody asks. */
function weekdayName(size: number | undefined): Piece {
  const names = WEEKDAYS.map((name) => name.slice(0, size));
  return { pattern: new RegExp(names.join('|'), 'iy'), set: () => true };
}

function halfOfDay(pattern: RegExp): Piece {
  const set: Piece['set'] = (fields, [text]) => {
    fields.half = text!.toLowerCase() === 'pm' ? 'pm' : 'am';
    return true;
  };
  return { pattern, set };
}

const ONE_OR_TWO = /\d\d?/y;
const TWO = /\d\d/y;

const PIECES: Readonly<Record<string, Piece>> = {
  '2006': number(/\d{4}/y, 'year', 0, 9_999),
  '06': {
    pattern: TWO,
    set: (fields, [text]) => {
      fields.year = Number(text) + (Number(text) >= 69 ? 1_900 : 2_000);
      return true;
    },
  },
  January: monthName(undefined),
  Jan: monthName(3),
  '01': number(TWO, 'month', 1, 12),
  '1': number(ONE_OR_TWO, 'month', 1, 12),
  Monday: weekdayName(undefined),
  Mon: weekdayName(3),
  '02': number(TWO, 'day', 1, 31),
  _2: number(/ ?\d\d?/y, 'day', 1, 31),
  '2': number(ONE_OR_TWO, 'day', 1, 31),
  '002': number(/\d{3}/y, 'dayOfYear', 1, 366),
  __2: number(/ {0,2}\d{1,3}/y, 'dayOfYear', 1, 366),
  '15': number(ONE_OR_TWO, 'hour', 0, 23),
  '03': number(TWO, 'hour', 0, 12),
  '3': number(ONE_OR_TWO, 'hour', 0, 12),
  '04': number(TWO, 'minute', 0, 59),
  '4': number(ONE_OR_TWO, 'minute', 0, 59),
  '05': number(TWO, 'second', 0, 59),
  '5': number(ONE_OR_TWO, 'second', 0, 59),
  PM: halfOfDay(/AM|PM/y),
  pm: halfOfDay(/am|pm/y),
  MST: {
    pattern:
      /UTC|GMT(?:[+-](?:1\d|2[0-3]|\d))?|ChST|MeST|WITA|[A-Z]{4}T|[A-Z]{3}T|[A-Z]{3}(?![A-Z])|[+-]\d\d?/y,
    set: (fields, [text]) => {
      fields.zoneName = text!;
      fields.isUtc = text === 'UTC';
      return true;
    },
  },
};

/** `-07:00` and its kin, by their layout. */
function offsetPiece(layout: string): Piece {
  const separator = layout.includes(':') ? ':' : '';
  const count = layout.replace(/\D/g, '').length / 2;
  const digits = Array.from({ length: count }, () => '(\\d\\d)').join(separator);
  const utc = layout.startsWith('Z') ? 'Z|' : '';
  return {
    pattern: new RegExp(`${utc}([+-])${digits}`, 'y'),
    set: (fields, [text, sign, hours = '0', minutes = '0', seconds = '0']) => {
      fields.isUtc = text === 'Z';
      const magnitude = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
      fields.offsetS = sign === '-' ? -magnitude : magnitude;
      return Number(hours) <= 24 && Number(minutes) < 60 && Number(seconds) < 60;
    },
  };
}

const FRACTION = /[.,](\d+)/y;

/** `.000` is of as many digits, `.999` of any number, none included. */
function fractionPiece(layout: string): Piece {
  const pattern =
    layout[1] === '0' ? new RegExp(`[.,](\\d{${layout.length - 1}})`, 'y') : /(?:[.,](\d+))?/y;
  return {
    pattern,
    set: (fields, [, digits = '']) => {
      fields.nanosecond = Number(digits.slice(0, 9).padEnd(9, '0'));
      return true;
    },
  };
}

function pieceOf(layout: string): Piece {
  return PIECES[layout] ?? (/^[.,]/.test(layout) ? fractionPiece(layout) : offsetPiece(layout));
}

class Reader {
  readonly #text: string;
  readonly #pieces: readonly LayoutPiece[];
  #at = 0;
  readonly #fields: Fields = {
    year: 0,
    month: 1,
    day: 1,
    dayOfYear: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: undefined,
    offsetS: undefined,
    zoneName: '',
    isUtc: false,
  };

  constructor(text: string, layout: string) {
    this.#text = text;
    this.#pieces = layoutPieces(layout);
  }

  /** Undefined where the text is no date of that layout. */
  read(zone: Timezone): Moment | undefined {
    const areRead = this.#pieces.every((piece, index) =>
      piece.isPlain ? this.#skip(piece.text) : this.#take(piece.text, this.#pieces[index + 1]),
    );
    if (!areRead || this.#at < this.#text.length) return undefined;
    return this.#moment(zone);
  }

  /** A space of the layout stands for any number of them. */
  #skip(plain: string): boolean {
    for (const part of plain.match(/ +|[^ ]+/g)!) {
      if (part.startsWith(' ')) {
        if (this.#at < this.#text.length && this.#text[this.#at] !== ' ') return false;
        while (this.#text[this.#at] === ' ') this.#at += 1;
      } else if (this.#text.startsWith(part, this.#at)) this.#at += part.length;
      else return false;
    }
    return true;
  }

  #take(layout: string, next: LayoutPiece | undefined): boolean {
    if (!this.#match(pieceOf(layout))) return false;
    const hasFraction = next !== undefined && !next.isPlain && /^[.,]/.test(next.text);
    // Seconds may have a fraction that the layout does not mention.
    if ((layout === '05' || layout === '5') && !hasFraction) {
      this.#match({ ...fractionPiece('.9'), pattern: FRACTION });
    }
    return true;
  }

  #match({ pattern, set }: Piece): boolean {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return false;
    this.#at += match[0].length;
    return set(this.#fields, match);
  }

  #moment(local: Timezone): Moment | undefined {
    const { hour, half, year, offsetS, zoneName, isUtc } = this.#fields;
    const hours = half === 'pm' && hour < 12 ? hour + 12 : half === 'am' && hour === 12 ? 0 : hour;
    const date = this.#date(year);
    if (date === undefined) return undefined;
    const { minute, second, nanosecond } = this.#fields;
    const time = { hour: hours, minute, second };
    const wall = date.toPlainDateTime(time).add({ nanoseconds: nanosecond });
    if (isUtc) return Moment.ofWall(wall, UTC);
    if (offsetS !== undefined) return inOffset(wall, offsetS, zoneName, local);
    const here = Moment.ofWall(wall, local);
    if (zoneName === '' || abbreviation(here) === zoneName) return here;
    // A name says nothing of an offset, but for GMT+N, which Go takes for the zone of a time that is in UTC.
    const east = Number(/^GMT([+-]\d+)$/.exec(zoneName)?.[1] ?? 0);
    const zone = new Timezone(zoneName, offsetId(east * 3_600));
    return Moment.of(Moment.ofWall(wall, UTC).epochNs, zone);
  }

  #date(year: number): Temporal.PlainDate | undefined {
    const { month, day, dayOfYear } = this.#fields;
    if (dayOfYear !== undefined) {
      const start = new Temporal.PlainDate(year, 1, 1);
      return dayOfYear <= start.daysInYear ? start.add({ days: dayOfYear - 1 }) : undefined;
    }
    const first = new Temporal.PlainDate(year, month, 1);
    return day <= first.daysInMonth ? first.with({ day }) : undefined;
  }
}

/** An offset that the zone has at that time is the zone. */
function inOffset(
  wall: Temporal.PlainDateTime,
  offsetS: number,
  name: string,
  local: Timezone,
): Moment {
  const moment = Moment.ofWall(wall, new Timezone(name, offsetId(offsetS)));
  const here = Moment.of(moment.epochNs, local);
  const isLocal = here.at.offsetNanoseconds === offsetS * 1e9;
  return isLocal && (name === '' || abbreviation(here) === name) ? here : moment;
}

/** As the engine has zones that are only an offset, which are of whole minutes. */
function offsetId(offsetS: number): string {
  const minutes = Math.trunc(Math.abs(offsetS) / 60);
  const text = [Math.floor(minutes / 60), minutes % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${offsetS < 0 ? '-' : '+'}${text.join(':')}`;
}
