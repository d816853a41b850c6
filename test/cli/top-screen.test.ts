/** The screen of `zerohop top`: it fits whatever the size, shows what matters first, and lets nothing of a name through. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ASCII, type Glyphs, UNICODE, widthOf, written } from '../../src/cli/screen-line.ts';
import { topScreen } from '../../src/cli/top-screen.ts';
import type { Top } from '../../src/control/top-report.ts';
import { IDLE, TOP } from './top-report.ts';

function textOf(top: Top, columns: number, rows: number, glyphs: Glyphs = UNICODE): string {
  const lines = topScreen(top, { columns, rows, glyphs });
  return lines.map((line) => written(line, false)).join('\n');
}

suite('screen', () => {
  test('fits every terminal', () => {
    const size = fc.integer({ min: 1, max: 250 });
    fc.assert(
      fc.property(size, size, fc.constantFrom(TOP, IDLE), (columns, rows, top) => {
        const lines = topScreen(top, { columns, rows, glyphs: UNICODE });
        assert(lines.length <= rows, `${lines.length} lines in ${rows} rows`);
        for (const line of lines) assert(widthOf(line) <= columns, written(line, false));
      }),
    );
  });

  test('80x24: figures, upstreams, names beside clients, the slowest; full to the last line', () => {
    const text = textOf(TOP, 80, 24);
    assert.equal(text.split('\n').length, 24);
    for (const shown of [
      /^zerohop {2}ready {2}up 17d 4h {2}ip-10-0-12-34\.eu-central-1\.compute\.internal {2}0\.1\.0/m,
      /^queries {4}12,346\/s +[▁-█]{40}/m,
      /^hit ratio {2}97 %/m,
      /^latency {4}p50 ≤ 0\.25 ms {2}p90 ≤ 0\.25 ms {2}p99 ≤ 4 ms {2}p99\.9 ≤ 64 ms$/m,
      /^ {2}of hits {2}p50 ≤ 0\.02 ms {2}p90 ≤ 0\.04 ms {2}p99 ≤ 0\.32 ms {2}p99\.9 more$/m,
      /^rcodes {5}NOERROR 65 % {2}NXDOMAIN 33 % {2}SERVFAIL 2\.0 %/m,
      /^saved {6}11,987\/s upstream, 97 % of all; 1,200,345,678 since the start$/m,
      /^drops {6}receiveQueue 17, inFlightUnfair 4$/m,
      /^10\.96\.0\.10:53 +cluster\.lo… +320 +1\.23 ms +4\.1 ms {2}up 3 out$/m,
      /^\[2001:db8:.*… .* DOWN$/m,
      /^NAME +TYPE +PER S +CLIENT +PER S$/m,
      /^web\.default\.svc\.cluster\.local\. +A +3,210 +10\.1\.2\.3 +5,321$/m,
      /^SLOWEST OF 5 MINUTES/m,
    ]) {
      assert.match(text, shown);
    }
  });

  test('40x15: what matters, in short', () => {
    const text = textOf(TOP, 40, 15);
    assert.equal(text.split('\n').length, 15);
    for (const shown of [
      /^queries {4}12,346\/s/m,
      /^rcodes/m,
      /^saved/m,
      /DOWN/,
      /^NAME/m,
      /^web/m,
    ]) {
      assert.match(text, shown);
    }
  });

  test('120x40: there is room for all', () => {
    const text = textOf(TOP, 120, 40);
    assert.match(text, /api-5\.shop\.svc\.cluster\.local\./);
    assert.match(text, /slow\.example\.org\. +A +4\.0 s {2}SERVFAIL +10\.1\.2\.3 +1m$/m);
    assert.match(text, /q quits$/m);
  });

  test('before anybody has asked there are dashes, and why it is not ready', () => {
    const text = textOf(IDLE, 80, 24);
    assert.match(text, /not ready: starting/);
    assert.match(text, /^hit ratio {2}-/m);
    assert.match(text, /^latency {4}-$/m);
    assert.doesNotMatch(text, /NaN|undefined|null/);
  });

  test('no control character of a name reaches the terminal', () => {
    for (const [columns, rows] of [
      [80, 60],
      [200, 60],
      [40, 60],
    ] as const) {
      const text = textOf(TOP, columns, rows);
      assert.match(text, /^[\x20-\x7e\n▁-█…≤]*$/);
      assert.match(text, /\\027\[31mred\.test\./);
      assert.match(text, /\\027\]0;owned\\007/);
    }
  });

  test('a terminal without Unicode gets ASCII', () => {
    assert.match(textOf(TOP, 80, 24, ASCII), /^[\x20-\x7e\n]*$/);
  });

  test('colours are there, and only where they are wanted', () => {
    const lines = topScreen(TOP, { columns: 80, rows: 24, glyphs: UNICODE });
    const coloured = lines.map((line) => written(line, true)).join('\n');
    assert(coloured.includes('\u001b[31m  DOWN\u001b[0m'));
    assert(!lines.some((line) => written(line, false).includes('\u001b')));
  });
});
