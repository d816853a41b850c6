/**
 * The figures of the status page: a `Top` as HTML. Pure. Whatever comes from the network is escaped twice over: names are in
 * RFC 1035's form, and every text goes through `escaped`.
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
import { HISTORY_S } from '../watch/figures.ts';
import { bar, chart } from './status-page-chart.ts';
import type { Percentiles, Top, TopShare, TopUpstream } from './top-report.ts';

/** Above, a share of SERVFAIL is what somebody was woken for. */
const SERVFAIL_SHARE = 0.01;
const ROWS_MAX = 12;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For elements and for attributes in quotes. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** What stands in `main`. */
export function figuresHtml(top: Top): string {
  return `${header(top)}
<div class="grid">
${queriesTile(top)}${ratioTile(top)}${latencyTile(top)}${savedTile(top)}
${upstreams(top.upstreams)}
${shares('Response codes', top.rcodes, (name, share) => name === 'SERVFAIL' && share >= SERVFAIL_SHARE)}
${shares('Query types', top.types, () => false)}
${inHere(top)}
${names(top)}
</div>
<footer>Of the last ${countText(top.windowS)} s; charts: five minutes. As of ${escaped(top.at.slice(0, 19).replace('T', ' '))} UTC.
<a href="/metrics">/metrics</a> has it all for Prometheus.</footer>`;
}

function header({ host, version, uptimeS, notReady }: Top): string {
  const isReady = notReady.length === 0;
  const state = isReady ? 'ready' : `not ready: ${notReady.join(', ')}`;
  return `<header><h1>${escaped(host)}</h1><span class="state ${isReady ? 'good' : 'bad'}">${escaped(state)}</span>
<span>Zerohop ${escaped(version)}</span><span>up ${ageText(uptimeS)}</span></header>`;
}

function tile(title: string, figure: string, below: string): string {
  return `<section class="tile"><h2>${title}</h2><div class="figure">${figure}</div>${below}</section>\n`;
}

function axis(left: string, right: string): string {
  return `<div class="axis"><span>${left}</span><span>${right}</span></div>`;
}

function queriesTile({ queriesPerS, queries, history }: Top): string {
  const max = Math.max(0, ...history.queriesPerS);
  const picture = chart(history.queriesPerS, max, HISTORY_S);
  const figure = `${rateText(queriesPerS)} <small>a second</small>`;
  const most = `at most ${rateText(max)}`;
  return tile('Queries', figure, picture + axis(most, `${countText(queries)} since the start`));
}

function ratioTile({ cache, history }: Top): string {
  const figure = cache.hitRatio === null ? '–' : percentText(cache.hitRatio);
  const picture = chart(history.hitRatio, 1, HISTORY_S);
  const below = axis('0 to 100 %', `${rateText(cache.missesPerS)} misses a second`);
  return tile('Answered from the cache', figure, picture + below);
}

function latencyTile({ latency: { queries, sampled } }: Top): string {
  const figure = queries.count === 0 ? '–' : `${bound(queries.p99)} <small>p99</small>`;
  const rows = `<dl><dt>p50, p90</dt><dd>${bound(queries.p50)}, ${bound(queries.p90)}</dd>
<dt>p99.9</dt><dd>${bound(queries.p999)}</dd>
<dt>in here, p50, p99</dt><dd>${inHereText(sampled)}</dd></dl>`;
  return tile('Time to answer, at most', figure, queries.count === 0 ? '' : rows);
}

function inHereText({ count, p50, p99 }: Percentiles): string {
  return count === 0 ? '–' : `${bound(p50)}, ${bound(p99)}`;
}

function bound(ms: number | null): string {
  return ms === null ? 'more' : millisecondsText(ms);
}

function savedTile({ saved, inFlight, tcpConnections }: Top): string {
  const share =
    saved.share === null ? '' : `<dt>of all queries</dt><dd>${percentText(saved.share)}</dd>`;
  const rows = `<dl>${share}<dt>since the start</dt><dd>${countText(saved.total)}</dd>
<dt>clients waiting</dt><dd>${countText(inFlight.waiters)}</dd>
<dt>TCP connections</dt><dd>${countText(tcpConnections)}</dd></dl>`;
  const figure = `${rateText(saved.perS)} <small>a second</small>`;
  return tile('Upstream queries saved', figure, rows);
}

function upstreams(list: readonly TopUpstream[]): string {
  const rows = list
    .toSorted(downFirst)
    .map(
      ({ to, from, zones, healthy, fails, outstanding, connections, udpSockets, ...figures }) => {
        const { meanMs, p95Ms, answersPerS } = figures;
        const isAsked = p95Ms > 0;
        const served = from === '.' ? zones.join(' ') : from;
        const state = healthy
          ? '<td class="good">up</td>'
          : `<td class="bad" title="${fails} health checks failed">down</td>`;
        return `<tr><td class="name" title="${escaped(to)}">${escaped(to)}</td><td class="name wide" title="${escaped(served)}">${escaped(served)}</td>${state}
<td class="number wide">${rateText(answersPerS)}</td><td class="number wide">${isAsked ? millisecondsText(meanMs) : '–'}</td>
<td class="number">${isAsked ? millisecondsText(p95Ms) : '–'}</td><td class="number roomy">${outstanding}</td>
<td class="number roomy">${connections + udpSockets}</td></tr>`;
      },
    );
  return `<section><h2>Upstreams</h2>${table(
    `<th>Server</th><th class="wide">For</th><th class="w2">State</th><th class="number w2 wide">Answers/s</th>
<th class="number w2 wide">Mean</th><th class="number w2">p95</th><th class="number w2 roomy">Under way</th><th class="number w2 roomy">Sockets</th>`,
    rows,
    'Nobody is forwarded to.',
  )}</section>`;
}

/** One that is down is what somebody looks for. */
function downFirst(left: TopUpstream, right: TopUpstream): number {
  return Number(left.healthy) - Number(right.healthy);
}

function shares(
  title: string,
  list: readonly TopShare[],
  isBad: (name: string, share: number) => boolean,
): string {
  const rows = list.slice(0, ROWS_MAX).map(({ name, perS, share }) => {
    const bad = isBad(name, share);
    return `<tr><td${bad ? ' class="bad"' : ''}>${escaped(name)}</td><td class="wide">${bar(share, bad)}</td>
<td class="number">${percentText(share)}</td><td class="number">${rateText(perS)}</td></tr>`;
  });
  const head =
    '<th class="w3">Name</th><th class="wide"></th><th class="number w1">Share</th><th class="number w2">Per s</th>';
  return `<section class="half third"><h2>${title}</h2>${table(head, rows, 'Nobody has asked.')}</section>`;
}

function inHere({ cache, drops }: Top): string {
  const some = Object.entries(drops).filter(([, count]) => count > 0);
  const lost = some.map(
    ([name, count]) =>
      `<dt class="warn">${escaped(name)}</dt><dd class="warn">${countText(count)}</dd>`,
  );
  return `<section class="third"><h2>Cache, and what was dropped</h2><dl>
<dt>entries</dt><dd>${countText(cache.entries)}</dd>
<dt>memory</dt><dd>${mebibytesText(cache.usedBytes)} of ${mebibytesText(cache.budgetBytes)}</dd>
<dt>hits</dt><dd>${rateText(cache.hitsPerS)} a second</dd>
<dt>of them denials</dt><dd>${rateText(cache.denialHitsPerS)}</dd>
<dt>of them stale</dt><dd>${rateText(cache.staleHitsPerS)}</dd>
${lost.join('\n') || '<dt>dropped</dt><dd>nothing</dd>'}</dl></section>`;
}

function names({ asked, slowest }: Top): string {
  if (slowest === null) {
    return `<section class="note">Names and clients are shown on loopback only (kubectl port-forward), by <code>zerohop top</code>
in the pod, or to everybody with <code>-status-names</code>.</section>`;
  }
  const rate = (perS: number, share: number) =>
    `<td class="number">${rateText(perS)}</td><td class="number wide">${percentText(share)}</td>`;
  const nameRows = (asked?.names ?? [])
    .slice(0, ROWS_MAX)
    .map(({ name, type, queriesPerS, share }) => {
      return `<tr>${nameCell(name)}<td>${escaped(type)}</td>${rate(queriesPerS, share)}</tr>`;
    });
  const clientRows = (asked?.clients ?? [])
    .slice(0, ROWS_MAX)
    .map(({ address, queriesPerS, share }) => {
      return `<tr>${nameCell(address)}${rate(queriesPerS, share)}</tr>`;
    });
  const slowRows = slowest.slice(0, ROWS_MAX).map((answer) => {
    return `<tr>${nameCell(answer.name)}<td>${escaped(answer.type)}</td><td class="number">${millisecondsText(answer.durationMs)}</td>
<td class="wide">${escaped(answer.rcode)}</td><td class="name roomy">${escaped(answer.client)}</td>
<td class="name roomy">${escaped(answer.upstream ?? '–')}</td><td class="number wide">${ageText(answer.agoS)} ago</td></tr>`;
  });
  const rates = '<th class="number w2">Per s</th><th class="number w1 wide">Share</th>';
  const none = 'Nobody has asked since somebody looks.';
  const sampled = asked !== null && asked.oneIn > 1 ? `, one in ${asked.oneIn} looked at` : '';
  return `<section class="most"><h2>Names asked most${sampled}</h2>${table(`<th>Name</th><th class="w2">Type</th>${rates}`, nameRows, none)}</section>
<section class="third"><h2>Clients that ask most</h2>${table(`<th>Address</th>${rates}`, clientRows, none)}</section>
<section><h2>Slowest answers of five minutes</h2>${table(
    `<th>Name</th><th class="w2">Type</th><th class="number w2">Took</th><th class="w3 wide">Rcode</th><th class="w4 roomy">Client</th>
<th class="w4 roomy">Answered by</th><th class="number w2 wide"></th>`,
    slowRows,
    'None: all came from the cache.',
  )}</section>`;
}

function nameCell(text: string): string {
  return `<td class="name" title="${escaped(text)}">${escaped(text)}</td>`;
}

function table(head: string, rows: readonly string[], none: string): string {
  if (rows.length === 0) return `<p class="note">${none}</p>`;
  return `<table><thead><tr>${head.replaceAll('<th', '<th scope="col"')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}
