/**
 * The status page in a real browser: light and dark, wide and narrow, up to date by itself, and it asks nobody else. With
 * ZEROHOP_SCREENSHOTS=DIRECTORY the pictures are kept there, to be looked at.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses, negative } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';
import { Browser, HAS_CHROMIUM } from './browser.ts';

const HOSTILE = '<img src=x onerror=alert(1)>';
const SIZES = [
  ['light', 1280, 900],
  ['dark', 1280, 900],
  ['light', 360, 740],
  ['dark', 768, 1000],
] as const;

const skip = HAS_CHROMIUM ? false : 'no chromium here';

test('the status page in a browser', { skip }, async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) =>
    query.question.name.startsWith('none')
      ? negative(query, 3, 'example.org')
      : addresses(query, '192.0.2.1'),
  );
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) =>
      `.:${dns} {\n  bind 127.0.0.1\n  cache 30\n  forward . 127.0.0.1:${upstream.port}\n}\n`,
  });
  const origin = `http://127.0.0.1:${daemon.ports.metrics}`;
  const browser = await Browser.start(t);
  await browser.look('light', 1280, 900);
  await browser.send('Page.navigate', { url: `${origin}/` });
  await until('the page is there', () => browser.evaluate('document.title !== ""'));
  await browser.evaluate('window.isFirstLoad = true');
  const names = ['web.example.org', 'api.example.org', 'none.example.org', `${HOSTILE}.test`];
  const ask = async () => {
    for (const name of names) await udpAsk(daemon.address, { name });
  };
  let text = '';
  await until('it is up to date by itself', async () => {
    await ask();
    text = await browser.evaluate<string>(`document.querySelector('main').innerText`);
    return ['none.example.org.', '.test.'].every((shown) => text.includes(shown));
  });
  assert.equal(await browser.evaluate('window.isFirstLoad'), true, 'without being loaded again');
  for (const shown of ['ready', 'NXDOMAIN', '127.0.0.1', `127.0.0.1:${upstream.port}`]) {
    assert(text.includes(shown), shown);
  }
  assert(text.includes('<img\\032src=x'), 'a hostile name is text');
  assert.equal(await browser.evaluate(`document.querySelectorAll('img, main script').length`), 0);

  const grounds = new Set<string>();
  for (const [scheme, width, height] of SIZES) {
    await browser.look(scheme, width, height);
    grounds.add(await browser.evaluate('getComputedStyle(document.body).backgroundColor'));
    const overflow = await browser.evaluate<number>(
      'document.documentElement.scrollWidth - window.innerWidth',
    );
    assert(overflow <= 0, `${overflow} pixels too wide at ${width}`);
    const directory = process.env['ZEROHOP_SCREENSHOTS'];
    const picture = await browser.screenshot();
    if (directory !== undefined) {
      writeFileSync(join(directory, `status-${scheme}-${width}.png`), picture);
    }
  }
  assert.equal(grounds.size, 2, 'light and dark');
  assert.deepEqual([...new Set(browser.requests.map((url) => new URL(url).origin))], [origin]);
  assert.deepEqual(browser.complaints, []);

  await daemon.stop();
  await until('it says that nobody answers any more', () =>
    browser.evaluate(`document.body.classList.contains('lost')`),
  );
});
