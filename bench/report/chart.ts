/**
 * The chart beside README's tables: CPU time of a query by server, one panel a workload, as SVG. Colours follow the reader's
 * light or dark scheme; each panel has a scale of its own, and each bar says its figure.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAEMON } from '../servers.ts';
import { figure } from '../table.ts';
import { SERVER_NAMES } from './readme.ts';
import { type Results, rowOf } from './results.ts';

export const CHART_PATH = join(import.meta.dirname, '../results.svg');

const PANELS: readonly (readonly [title: string, workload: string])[] = [
  ['A cached answer: 200 names, 128 in flight', 'few-names'],
  ['A cached answer: 20,000 a second', 'steady'],
  ['A miss: 8,000 a second, upstream answers from memory', 'miss-storm-8k'],
];

const WIDTH = 720;
const MARGIN = 16;
const BAR_FROM = 130;
/** Room for the figure behind the longest bar. */
const BAR_TO = WIDTH - MARGIN - 70;
const BAR_HEIGHT = 18;
const BAR_STEP = 24;
const TITLE_HEIGHT = 26;
const PANEL_GAP = 18;
const HEAD_HEIGHT = 44;

const STYLE = `
    text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .head { font-size: 15px; font-weight: 600 }
    .title { fill: #59636e }
    .own { font-weight: 600 }
    .back { fill: #ffffff }
    .bar { fill: #b6bec8 }
    .bar.own { fill: #0969da }
    .bar.echo { fill: #d8dde3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .title { fill: #9198a1 }
      .back { fill: #0d1117 }
      .bar { fill: #59636e }
      .bar.own { fill: #4493f8 }
      .bar.echo { fill: #343b44 }
    }
  `;

export function chart(results: Results): string {
  const panels: string[] = [];
  let y = HEAD_HEIGHT;
  for (const [title, workload] of PANELS) {
    const bars = Object.keys(SERVER_NAMES).flatMap((server) => {
      const us = rowOf(results, workload, server)?.cpuUs ?? Number.NaN;
      return Number.isFinite(us) ? [{ server, us }] : [];
    });
    panels.push(panel(title, bars, y));
    y += TITLE_HEIGHT + bars.length * BAR_STEP + PANEL_GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img">
  <title>CPU time a query, in microseconds, by server</title>
  <style>${STYLE}</style>
  <rect class="back" width="${WIDTH}" height="${y}" rx="6"/>
  <text class="head" x="${MARGIN}" y="27">CPU time a query, in microseconds: less is better</text>
${panels.join('\n')}
</svg>
`;
}

export function writeChart(results: Results): void {
  writeFileSync(CHART_PATH, chart(results));
}

function panel(
  title: string,
  bars: readonly { server: string; us: number }[],
  top: number,
): string {
  const most = Math.max(...bars.map(({ us }) => us));
  const lines = bars.map(({ server, us }, index) => {
    const y = top + TITLE_HEIGHT + index * BAR_STEP;
    const width = ((us / most) * (BAR_TO - BAR_FROM)).toFixed(1);
    const kind = server === DAEMON ? ' own' : server === 'echo' ? ' echo' : '';
    const baseline = y + 14;
    return `  <text class="label${kind}" x="${BAR_FROM - 10}" y="${baseline}" text-anchor="end">${SERVER_NAMES[server]!.replaceAll('*', '')}</text>
  <rect class="bar${kind}" x="${BAR_FROM}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>
  <text class="figure${kind}" x="${(BAR_FROM + Number(width) + 8).toFixed(1)}" y="${baseline}">${figure(us, us < 20 ? 2 : 1)}</text>`;
  });
  return [`  <text class="title" x="${MARGIN}" y="${top + 14}">${title}</text>`, ...lines].join(
    '\n',
  );
}
