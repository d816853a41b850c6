/**
 * A `Top` as lines of a terminal, of whatever size: figures first, then upstreams, then as many names, clients and slow answers
 * as there is room for. Pure; nothing that clients ask for reaches the terminal but as printable ASCII.
 */
import {
  ageText,
  countText,
  mebibytesText,
  millisecondsText,
  percentText,
  rateText,
} from '../base/figure-text.ts';
import { printable } from '../base/printable.ts';
import type { Percentiles, Top, TopShare } from '../control/top-report.ts';
import {
  beside,
  fitted,
  type Glyphs,
  type Line,
  type Piece,
  piece,
  sparkline,
  widthOf,
} from './screen-line.ts';
import { clientTable, nameTable, slowestTable, upstreamTable } from './top-tables.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly glyphs: Glyphs;
}

/** From here on clients stand beside names. */
const WIDE = 72;
/** From here on both have their shares. */
const ROOMY = 100;
/** Below this many rows a line between the lists is a line too much. */
const TALL = 34;
/** Above, a share of SERVFAIL is what somebody was woken for. */
const SERVFAIL_SHARE = 0.01;
const LABEL_COLUMNS = 11;

/** Exactly as many lines as there are rows at most, none wider than the columns. */
export function topScreen(top: Top, screen: Screen): Line[] {
  const { columns, rows, glyphs } = screen;
  const head = [titleLine(top, screen), ...figureLines(top, screen)];
  const gap: Line[] = rows >= TALL ? [[]] : [];
  const upstreamsMax = Math.max(1, Math.floor((rows - head.length) / 3));
  const upstreams = upstreamTable(top.upstreams, columns, glyphs).slice(0, upstreamsMax + 1);
  const above = [...head, ...gap, ...upstreams, ...gap];
  const lines = [...above, ...lists(top, screen, rows - above.length, gap)];
  return lines.slice(0, rows).map((line) => fitted(line.map(shown), columns, glyphs));
}

/** Whatever comes from elsewhere, however it came. */
function shown({ text, colour }: Piece): Piece {
  return { text: printable(text).replaceAll('\n', ' '), colour };
}

function titleLine(top: Top, { columns }: Screen): Line {
  const isReady = top.notReady.length === 0;
  const state = isReady
    ? piece('ready', 'green')
    : piece(`not ready: ${top.notReady.join(', ')}`, 'red');
  const line = [
    piece('zerohop  ', 'bold'),
    state,
    piece(`  up ${ageText(top.uptimeS)}  ${top.host}  ${top.version}`),
  ];
  const hint = 'q quits';
  const gap = columns - widthOf(line) - hint.length;
  return gap < 2 ? line : [...line, piece(' '.repeat(gap)), piece(hint, 'dim')];
}

function figureLines(top: Top, screen: Screen): Line[] {
  const { latency, rcodes, types } = top;
  const isNarrow = screen.columns < WIDE;
  const text = (label: string, line: string) => labelled(label, [piece(line)]);
  const more = (label: string, line: string) => (isNarrow ? [] : [text(label, line)]);
  return [
    labelled('queries', queriesLine(top, screen)),
    labelled('hit ratio', ratioLine(top, screen)),
    text('latency', percentilesText(latency.queries, screen)),
    ...more('  of hits', percentilesText(latency.sampled, screen)),
    labelled('rcodes', rcodeLine(rcodes)),
    ...more('types', types.map(shareText).join('  ') || '-'),
    ...more('cache', cacheText(top)),
    text('saved', savedText(top, isNarrow)),
    ...more('holds', holdingText(top)),
    ...dropLines(top),
  ];
}

function cacheText({ cache }: Top): string {
  const of = `denials ${rateText(cache.denialHitsPerS)}, stale ${rateText(cache.staleHitsPerS)}`;
  return `hits ${rateText(cache.hitsPerS)}/s (${of}), misses ${rateText(cache.missesPerS)}/s`;
}

function savedText({ saved }: Top, isNarrow: boolean): string {
  const share = saved.share === null ? '' : `, ${percentText(saved.share)} of all`;
  const since = isNarrow ? '' : `; ${countText(saved.total)} since the start`;
  return `${rateText(saved.perS)}/s upstream${share}${since}`;
}

function holdingText({ cache, inFlight, tcpConnections }: Top): string {
  const memory = `${mebibytesText(cache.usedBytes)} of ${mebibytesText(cache.budgetBytes)}`;
  const entries = `${countText(cache.entries)} entries in ${memory}`;
  return `${entries}, ${inFlight.questions} questions, ${tcpConnections} TCP connections`;
}

function labelled(label: string, line: Line): Line {
  return [piece(label.padEnd(LABEL_COLUMNS), 'dim'), ...line];
}

/** A figure, and its last minutes in what room there is. */
function withHistory(
  text: string,
  values: readonly (number | null)[],
  max: number,
  { columns, glyphs }: Screen,
): Line {
  const figure = text.padEnd(12);
  const room = Math.min(60, columns - LABEL_COLUMNS - figure.length - 1);
  if (room < 8) return [piece(figure, 'bold')];
  return [piece(figure, 'bold'), piece(sparkline(values, room, max, glyphs), 'cyan')];
}

function queriesLine({ queriesPerS, history }: Top, screen: Screen): Line {
  const values = history.queriesPerS.slice(-60);
  return withHistory(`${rateText(queriesPerS)}/s`, values, Math.max(0, ...values), screen);
}

function ratioLine({ cache, history }: Top, screen: Screen): Line {
  const text = cache.hitRatio === null ? '-' : percentText(cache.hitRatio);
  return withHistory(text, history.hitRatio, 1, screen);
}

function percentilesText(
  { count, p50, p90, p99, p999 }: Percentiles,
  { columns, glyphs: { atMost } }: Screen,
): string {
  if (count === 0) return '-';
  const text = (ms: number | null) => (ms === null ? 'more' : `${atMost} ${millisecondsText(ms)}`);
  if (columns < WIDE) return `p50 ${text(p50)}  p99 ${text(p99)}`;
  return `p50 ${text(p50)}  p90 ${text(p90)}  p99 ${text(p99)}  p99.9 ${text(p999)}`;
}

function rcodeLine(rcodes: readonly TopShare[]): Line {
  if (rcodes.length === 0) return [piece('-')];
  return rcodes.flatMap((rcode) => {
    const isBad = rcode.name === 'SERVFAIL' && rcode.share >= SERVFAIL_SHARE;
    return [piece(shareText(rcode), isBad ? 'red' : undefined), piece('  ')];
  });
}

function shareText({ name, share }: TopShare): string {
  return `${name} ${percentText(share)}`;
}

function dropLines({ drops }: Top): Line[] {
  const some = Object.entries(drops).filter(([, count]) => count > 0);
  if (some.length === 0) return [];
  const text = some.map(([name, count]) => `${name} ${countText(count)}`).join(', ');
  return [labelled('drops', [piece(text, 'yellow')])];
}

/** Each a header and rows, as far as the rows go; one with less than a row is left out. */
function lists(
  { asked, slowest }: Top,
  { columns, glyphs }: Screen,
  rows: number,
  gap: Line[],
): Line[] {
  const names = asked?.names ?? [];
  const clients = asked?.clients ?? [];
  const slowestMax = Math.min(slowest?.length ?? 0, Math.floor(rows / 3) - 1);
  const slow =
    slowestMax < 1 ? [] : slowestTable(slowest!, columns, glyphs).slice(0, slowestMax + 1);
  const room = rows - slow.length;
  if (columns >= WIDE) {
    const right = columns >= ROOMY ? 34 : 24;
    const left = columns - right - 2;
    const both = beside(
      nameTable(names, left, columns >= ROOMY, glyphs),
      clientTable(clients, right, columns >= ROOMY, glyphs),
      left + 2,
      glyphs,
    );
    return [...both.slice(0, Math.max(0, room - gap.length)), ...gap, ...slow];
  }
  const clientMax = Math.min(clients.length, Math.floor(room / 3) - 1);
  const fewClients =
    clientMax < 1 ? [] : clientTable(clients, columns, false, glyphs).slice(0, clientMax + 1);
  const someNames = nameTable(names, columns, false, glyphs).slice(
    0,
    Math.max(0, room - fewClients.length),
  );
  return [...someNames, ...fewClients, ...slow];
}
