/** What the status page looks like, and how it stays up to date: one style sheet and one script, both inside the page. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --line: #e2e6ea; --text: #1b2128; --dim: #5d6874;
  --accent: #2563c9; --wash: #2563c91f; --good: #18794e; --warn: #8f5f00; --bad: #c0322b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1216; --card: #151a20; --line: #262d36; --text: #dce3ea; --dim: #8d99a6;
    --accent: #74a9ff; --wash: #74a9ff24; --good: #4cc38a; --warn: #e0b04a; --bad: #ff7b72;
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  background: var(--ground); color: var(--text); font: 14px/1.45 system-ui, sans-serif;
  padding: 20px clamp(12px, 3vw, 32px) 40px; max-width: 1280px; margin: 0 auto;
  font-variant-numeric: tabular-nums;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 16px; margin-bottom: 16px; }
h1 { font-size: 16px; font-weight: 650; overflow-wrap: anywhere; }
header span, footer, footer a, .note { color: var(--dim); }
header .state { font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
header .state.good { color: var(--good); } header .state.bad { color: var(--bad); }
.grid { display: grid; gap: 12px; grid-template-columns: repeat(12, minmax(0, 1fr)); }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 12px 14px; grid-column: span 12; min-width: 0;
}
h2 { font-size: 12px; font-weight: 600; color: var(--dim); margin-bottom: 6px; }
.figure { font-size: 28px; font-weight: 600; line-height: 1.15; letter-spacing: -0.01em; }
.figure small { font-size: 14px; font-weight: 400; color: var(--dim); letter-spacing: 0; }
.chart { display: block; width: 100%; height: 44px; margin-top: 8px; }
.chart { border-bottom: 1px solid var(--line); }
.chart .area { fill: var(--wash); } .chart .line { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.axis { display: flex; margin-top: 4px; justify-content: space-between; color: var(--dim); font-size: 11px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; }
.tile dl { margin-top: 8px; font-size: 13px; }
dt { color: var(--dim); } dd { text-align: right; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th { font-size: 11px; font-weight: 500; color: var(--dim); text-align: left; padding: 0 0 3px 14px; }
td { padding: 2px 0 2px 14px; border-top: 1px solid var(--line); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
.number { text-align: right; } td.name { font-family: ui-monospace, monospace; font-size: 12.5px; }
.bar { display: block; width: 100%; height: 6px; } .bar .track { fill: var(--line); } .bar .part { fill: var(--accent); }
.bar.bad .part { fill: var(--bad); }
.w1 { width: 66px; } .w2 { width: 84px; } .w3 { width: 112px; } .w4 { width: 160px; }
footer { margin-top: 14px; font-size: 12px; }
#lost { display: none; color: var(--bad); font-weight: 600; margin-bottom: 12px; }
.lost #lost { display: block; } .lost main { opacity: 0.55; }
@media (min-width: 620px) { .half { grid-column: span 6; } .tile { grid-column: span 6; } }
@media (min-width: 980px) { .tile { grid-column: span 3; } .third { grid-column: span 4; } .most { grid-column: span 8; } }
@media (max-width: 979px) { .roomy { display: none; } }
@media (max-width: 619px) { .wide { display: none; } .figure { font-size: 24px; } }
`;

/**
 * Fetches the figures every two seconds, but neither while nobody sees them, so that names are watched no longer than somebody
 * looks, nor while somebody has marked text to copy it.
 */
export const SCRIPT = `
const main = document.querySelector('main');
async function update() {
  if (!document.hidden && String(getSelection()) === '') {
    try {
      const response = await fetch('?part=figures', { signal: AbortSignal.timeout(5000) });
      if (!response.ok) throw new Error(response.statusText);
      main.innerHTML = await response.text();
      document.body.classList.remove('lost');
    } catch {
      document.body.classList.add('lost');
    }
  }
  setTimeout(update, 2000);
}
setTimeout(update, 2000);
`;
