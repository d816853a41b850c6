/** The lists of `zerohop top`: a header, then a line each. */
import { ageText, millisecondsText, percentText, rateText } from '../base/figure-text.ts';
import type { Top, TopUpstream } from '../control/top-report.ts';
import { cell, type Glyphs, type Line, piece } from './screen-line.ts';

const RATE = 9;
const SHARE = 8;
const TYPE = 6;
const FROM_MAX = 36;
/** Less of a name tells nothing. */
const NAME_MIN = 12;

type Asked = NonNullable<Top['asked']>;

export function upstreamTable(
  upstreams: readonly TopUpstream[],
  columns: number,
  glyphs: Glyphs,
): Line[] {
  const hasRoom = columns >= 72;
  const to = hasRoom ? 26 : Math.max(NAME_MIN, columns - 20);
  const row = (name: string, from: string, ...figures: string[]) =>
    cell(name, to, glyphs) +
    (hasRoom
      ? cell(` ${from}`, Math.min(FROM_MAX, Math.max(NAME_MIN, columns - to - 44)), glyphs)
      : '') +
    figures.map((text) => cell(text, RATE + 1, glyphs, true)).join('');
  const figuresOf = ({ answersPerS, meanMs, p95Ms }: TopUpstream) => {
    const isAsked = p95Ms > 0;
    const p95 = isAsked ? millisecondsText(p95Ms) : '-';
    if (!hasRoom) return [p95];
    return [rateText(answersPerS), isAsked ? millisecondsText(meanMs) : '-', p95];
  };
  const header = hasRoom ? ['ANSWERS/S', 'MEAN', 'P95'] : ['P95'];
  return [
    [piece(`${row('UPSTREAM', 'FOR', ...header)}  STATE`, 'dim')],
    ...upstreams.toSorted(downFirst).map((upstream): Line => {
      const { to: address, from, zones, healthy, outstanding } = upstream;
      const busy = outstanding > 0 && hasRoom ? ` ${outstanding} out` : '';
      const state = healthy ? piece(`  up${busy}`, 'green') : piece('  DOWN', 'red');
      return [
        piece(row(address, from === '.' ? zones.join(' ') : from, ...figuresOf(upstream))),
        state,
      ];
    }),
  ];
}

/** One that is down is seen even where there is no room for all. */
function downFirst(left: TopUpstream, right: TopUpstream): number {
  return Number(left.healthy) - Number(right.healthy);
}

export function nameTable(
  names: Asked['names'],
  columns: number,
  hasShare: boolean,
  glyphs: Glyphs,
): Line[] {
  const name = Math.max(NAME_MIN, columns - TYPE - RATE - (hasShare ? SHARE : 0) - 1);
  const row = (text: string, type: string, rate: string, share: string) =>
    `${cell(text, name, glyphs)} ${cell(type, TYPE, glyphs)}${cell(rate, RATE, glyphs, true)}` +
    (hasShare ? cell(share, SHARE, glyphs, true) : '');
  return [
    [piece(row('NAME', 'TYPE', 'PER S', 'SHARE'), 'dim')],
    ...names.map((asked): Line => {
      return [
        piece(row(asked.name, asked.type, rateText(asked.queriesPerS), percentText(asked.share))),
      ];
    }),
  ];
}

export function clientTable(
  clients: Asked['clients'],
  columns: number,
  hasShare: boolean,
  glyphs: Glyphs,
): Line[] {
  const address = Math.max(NAME_MIN, columns - RATE - (hasShare ? SHARE : 0));
  const row = (text: string, rate: string, share: string) =>
    cell(text, address, glyphs) +
    cell(rate, RATE, glyphs, true) +
    (hasShare ? cell(share, SHARE, glyphs, true) : '');
  return [
    [piece(row('CLIENT', 'PER S', 'SHARE'), 'dim')],
    ...clients.map((client): Line => {
      return [piece(row(client.address, rateText(client.queriesPerS), percentText(client.share)))];
    }),
  ];
}

export function slowestTable(
  slowest: NonNullable<Top['slowest']>,
  columns: number,
  glyphs: Glyphs,
): Line[] {
  const hasRoom = columns >= 72;
  const name = Math.max(NAME_MIN, columns - 1 - TYPE - 9 - (hasRoom ? 36 : 0));
  const row = (
    text: string,
    type: string,
    ms: string,
    rcode: string,
    client: string,
    ago: string,
  ) =>
    `${cell(text, name, glyphs)} ${cell(type, TYPE, glyphs)}${cell(ms, 9, glyphs, true)}` +
    (hasRoom
      ? `  ${cell(rcode, 10, glyphs)}${cell(client, 16, glyphs)}${cell(ago, 8, glyphs, true)}`
      : '');
  return [
    [piece(row('SLOWEST OF 5 MINUTES', 'TYPE', 'TOOK', 'RCODE', 'CLIENT', 'AGO'), 'dim')],
    ...slowest.map((answer): Line => {
      const took = millisecondsText(answer.durationMs);
      const ago = ageText(answer.agoS);
      return [piece(row(answer.name, answer.type, took, answer.rcode, answer.client, ago))];
    }),
  ];
}
