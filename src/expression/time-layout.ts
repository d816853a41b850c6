/**
 * Go's layouts of dates: the moment 2006-01-02 15:04:05 -0700, a Monday, written as the date is to be. One list of pieces
 * serves both printing and reading (time-reader.ts).
 */
import type { Moment } from './time.ts';

export const MONTHS: readonly string[] = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
];
/** Go counts from Sunday, 0. */
export const WEEKDAYS: readonly string[] = [
  ...['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
];

export const RFC3339_NANO = '2006-01-02T15:04:05.999999999Z07:00';
const DEFAULT_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST';

/** A piece of a layout: plain text, or what stands for a part of the date. */
export interface LayoutPiece {
  readonly text: string;
  readonly isPlain: boolean;
}

const STANDARD =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|_2(?!006)|__2|[345]|PM|pm|[-Z]07(?::00:00|0000|:00|00)?|[.,](?:0+|9+)(?!\d)/g;

export function layoutPieces(layout: string): readonly LayoutPiece[] {
  const pieces: LayoutPiece[] = [];
  let at = 0;
  for (const match of layout.matchAll(STANDARD)) {
    if (match.index > at) pieces.push({ text: layout.slice(at, match.index), isPlain: true });
    pieces.push({ text: match[0], isPlain: false });
    at = match.index + match[0].length;
  }
  if (at < layout.length) pieces.push({ text: layout.slice(at), isPlain: true });
  return pieces;
}

/** The date in the form of a layout. */
export function formatted(moment: Moment, layout: string): string {
  const texts = layoutPieces(layout).map(({ text, isPlain }) =>
    isPlain ? text : partText(moment, text),
  );
  return texts.join('');
}

/** The date as Go prints it where nobody says how. */
export function momentText(moment: Moment): string {
  return formatted(moment, DEFAULT_LAYOUT);
}

/** Go's: Sunday is 0. */
export function weekdayOf({ at }: Moment): number {
  return at.dayOfWeek % 7;
}

export function nanosecondOf({ at }: Moment): number {
  return at.millisecond * 1_000_000 + at.microsecond * 1_000 + at.nanosecond;
}

function padded(value: number, size: number, fill = '0'): string {
  const digits = String(Math.abs(value)).padStart(size, fill);
  return value < 0 ? `-${digits}` : digits;
}

type Part = (moment: Moment) => string;

const PARTS: Readonly<Record<string, Part>> = {
  '2006': ({ at }) => padded(at.year, 4),
  '06': ({ at }) => padded(at.year % 100, 2),
  January: ({ at }) => MONTHS[at.month - 1]!,
  Jan: ({ at }) => MONTHS[at.month - 1]!.slice(0, 3),
  '01': ({ at }) => padded(at.month, 2),
  '1': ({ at }) => String(at.month),
  Monday: (moment) => WEEKDAYS[weekdayOf(moment)]!,
  Mon: (moment) => WEEKDAYS[weekdayOf(moment)]!.slice(0, 3),
  '02': ({ at }) => padded(at.day, 2),
  _2: ({ at }) => padded(at.day, 2, ' '),
  '2': ({ at }) => String(at.day),
  '002': ({ at }) => padded(at.dayOfYear, 3),
  __2: ({ at }) => padded(at.dayOfYear, 3, ' '),
  '15': ({ at }) => padded(at.hour, 2),
  '03': ({ at }) => padded(at.hour % 12 || 12, 2),
  '3': ({ at }) => String(at.hour % 12 || 12),
  '04': ({ at }) => padded(at.minute, 2),
  '4': ({ at }) => String(at.minute),
  '05': ({ at }) => padded(at.second, 2),
  '5': ({ at }) => String(at.second),
  PM: ({ at }) => (at.hour < 12 ? 'AM' : 'PM'),
  pm: ({ at }) => (at.hour < 12 ? 'am' : 'pm'),
  MST: abbreviation,
};

function partText(moment: Moment, text: string): string {
  const part = PARTS[text];
  if (part !== undefined) return part(moment);
  return /^[.,]/.test(text) ? fractionText(moment, text) : offsetText(moment, text);
}

/** `.000` keeps its zeros, `.999` drops them, and itself with nothing left. */
function fractionText(moment: Moment, text: string): string {
  const count = Math.min(text.length - 1, 9);
  const digits = padded(nanosecondOf(moment), 9).slice(0, count);
  if (text[1] === '0') return text[0] + digits.padEnd(text.length - 1, '0');
  const shown = digits.replace(/0+$/, '');
  return shown === '' ? '' : text[0] + shown;
}

/** `-07`, `-0700`, `-07:00`, and with seconds; with `Z` for the sign, UTC is `Z`. */
function offsetText({ at }: Moment, layout: string): string {
  const seconds = Math.trunc(at.offsetNanoseconds / 1e9);
  if (layout.startsWith('Z') && seconds === 0) return 'Z';
  const magnitude = Math.abs(seconds);
  const parts = [Math.floor(magnitude / 3_600), Math.floor(magnitude / 60) % 60, magnitude % 60];
  const count = layout.replace(/\D/g, '').length / 2;
  const texts = parts.slice(0, count).map((part) => padded(part, 2));
  return (seconds < 0 ? '-' : '+') + texts.join(layout.includes(':') ? ':' : '');
}

/** Whoever has abbreviations of zones, which differ by country. */
const LOCALES: readonly string[] = ['en-US', 'en-GB', 'en-AU', 'en-IN'];
const printers = new Map<string, readonly Intl.DateTimeFormat[]>();
/** Zones of one Corefile; beyond, all are forgotten. */
const PRINTERS_MAX = 16;

function printersOf(timeZone: string): readonly Intl.DateTimeFormat[] {
  let known = printers.get(timeZone);
  if (known === undefined) {
    known = LOCALES.map((l) => new Intl.DateTimeFormat(l, { timeZone, timeZoneName: 'short' }));
    if (printers.size >= PRINTERS_MAX) printers.clear();
    printers.set(timeZone, known);
  }
  return known;
}

/** `CEST`; the offset where a zone has none that is known. */
export function abbreviation(moment: Moment): string {
  const { at, zone } = moment;
  if (/^[+-]/.test(zone.id)) return zone.name === '' ? offsetText(moment, '-0700') : zone.name;
  for (const printer of printersOf(zone.id)) {
    const parts = printer.formatToParts(at.epochMilliseconds);
    const name = parts.find(({ type }) => type === 'timeZoneName')!.value;
    if (!/^GMT[+-]/.test(name)) return name;
  }
  return offsetText(moment, at.offsetNanoseconds % 3.6e12 === 0 ? '-07' : '-0700');
}
