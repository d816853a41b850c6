/** The status page as text: all figures, nothing of a name but text, names only for whom they are meant, a policy that fits. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import type { Inquiry } from '../../src/base/http-endpoint.ts';
import { statusPages } from '../../src/control/status-page.ts';
import type { Top } from '../../src/control/top-report.ts';
import { HOSTILE_NAMES, IDLE, TOP } from '../cli/top-report.ts';

const NAMES = /web\.default|10\.1\.2\.3|slow\.example/;

async function open(
  top: Top,
  { showsNames = false, isLocal = false, query = '' } = {},
): Promise<{ text: string; headers: Readonly<Record<string, string>> }> {
  // As `topOf` does it.
  const look = (withNames: boolean): Top =>
    withNames ? top : { ...top, asked: null, slowest: null };
  const page = statusPages(look, showsNames)['/'] as Inquiry;
  const { text, headers, contentType } = await page.get(new URLSearchParams(query), { isLocal });
  assert.equal(contentType, 'text/html; charset=utf-8');
  return { text: String(text), headers: headers! };
}

suite('status page', () => {
  test('has the figures', async () => {
    const { text } = await open(TOP);
    for (const shown of [
      'ip-10-0-12-34.eu-central-1.compute.internal',
      'ready',
      '12,346 <small>a second',
      '97 %',
      '4 ms <small>p99',
      '11,987 <small>a second',
      '10.96.0.10:53',
      '<td class="bad" title="3 health checks failed">down</td>',
      '<td class="bad">SERVFAIL</td>',
      'receiveQueue',
    ]) {
      assert(text.includes(shown), shown);
    }
    assert.doesNotMatch(text, /undefined|NaN|\[object/);
  });

  test('names and clients are on loopback only, or where they are turned on', async () => {
    assert.doesNotMatch((await open(TOP)).text, NAMES);
    assert.match((await open(TOP)).text, /shown on loopback only/);
    for (const how of [{ isLocal: true }, { showsNames: true }]) {
      assert.match((await open(TOP, how)).text, NAMES);
    }
  });

  test('a name is text, whatever it holds', async () => {
    const { text } = await open(TOP, { isLocal: true, query: 'part=figures' });
    for (const name of HOSTILE_NAMES) assert(!text.includes(name) || !/[<>&]/.test(name), name);
    assert(text.includes('&lt;script&gt;alert\\(1\\)&lt;/script&gt;.test.'));
    assert.doesNotMatch(text, /<script/);
    assert(!text.includes('\u001b') && text.includes('\\027]0;owned\\007.test.'));
  });

  test('its policy allows its own style and script, and requests to where it came from', async () => {
    const { text, headers } = await open(TOP);
    const policy = headers['Content-Security-Policy']!;
    for (const tag of ['style', 'script']) {
      const [, content] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(text)!;
      const digest = createHash('sha256').update(content!).digest('base64');
      assert(policy.includes(`${tag}-src 'sha256-${digest}'`), tag);
    }
    for (const directive of [
      /^default-src 'none';/,
      /; connect-src 'self';/,
      /; frame-ancestors 'none'$/,
    ]) {
      assert.match(policy, directive);
    }
    assert.doesNotMatch(policy, /unsafe|http|\*/);
    assert.doesNotMatch(text, / style=| on[a-z]+=|https?:\/\//);
    assert.equal(headers['Cache-Control'], 'no-store');
  });

  test('part=figures is what stands in main', async () => {
    const whole = await open(TOP);
    const part = await open(TOP, { query: 'part=figures' });
    assert(whole.text.includes(`<main>\n${part.text}\n</main>`));
  });

  test('before anybody has asked', async () => {
    const { text } = await open(IDLE, { isLocal: true });
    assert.match(text, /not ready: starting/);
    assert.match(text, /Nobody has asked/);
    assert.doesNotMatch(text, /undefined|NaN|null/);
  });
});
