/**
 * The status page: what `zerohop top` shows, at `/` of the metrics addresses, as one page that asks nobody else for anything. Its
 * script fetches the figures again from the same address, and its policy allows nothing more.
 *
 * The metrics port can be reached on the node's address, so names and clients are shown on loopback only, unless the operator
 * wants it otherwise (`-status-names`).
 */
import { digestOf } from '../base/digest.ts';
import type { Asker, Page, Pages } from '../base/http-endpoint.ts';
import { SCRIPT, STYLE } from './status-page-assets.ts';
import { escaped, figuresHtml } from './status-page-figures.ts';
import type { Top } from './top-report.ts';

/** It is made at once. */
const TIMEOUT_MS = 5000;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

let policy: string | undefined;

/** `look` is told whether names and clients may be seen; `showsNames`: by everybody. */
export function statusPages(look: (withNames: boolean) => Top, showsNames: boolean): Pages {
  const get = (query: URLSearchParams, { isLocal }: Asker): Page => {
    const top = look(showsNames || isLocal);
    const text = query.get('part') === 'figures' ? figuresHtml(top) : pageHtml(top);
    policy ??= createPolicy();
    const headers = { ...HEADERS, 'Content-Security-Policy': policy };
    return { contentType: 'text/html; charset=utf-8', headers, text };
  };
  return { '/': { get, timeoutMs: TIMEOUT_MS } };
}

/** Without scripts it is loaded again every ten seconds. */
export function pageHtml(top: Top): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(top.host)} – Zerohop</title>
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="10"></noscript>
<style>${STYLE}</style>
</head>
<body>
<p id="lost" role="status">The daemon does not answer: these are its last figures.</p>
<main>
${figuresHtml(top)}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** CSP3: this style sheet, this script, requests to where the page came from; no frame around it, no form, no other base. */
function createPolicy(): string {
  const only = (text: string) => `'sha256-${digestOf('sha256', [text]).toString('base64')}'`;
  return [
    "default-src 'none'",
    `style-src ${only(STYLE)}`,
    `script-src ${only(SCRIPT)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
