/** docs/directives.md: every Corefile in it is accepted, and every directive has its section. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { DIRECTIVE_ORDER } from '../../src/directives/order.ts';
import { readServerBlocks } from '../../src/directives/server-config.ts';

const PAGE = readFileSync(new URL('../../docs/directives.md', import.meta.url), 'utf8');
const examples = [...PAGE.matchAll(/^```corefile\n(.*?)^```$/gms)].map((match) => match[1]!);

test('every example is accepted without a warning', () => {
  assert(examples.length >= DIRECTIVE_ORDER.length);
  for (const text of examples) {
    const blocks = parseCorefile(text, {
      file: 'docs/directives.md',
      environment: { UPSTREAM: '192.0.2.1' },
      files: { read: () => ({ code: 'failed', reason: 'none' }), glob: () => [] },
    });
    readServerBlocks(blocks, {
      defaultPort: 53,
      files: { read: () => ({ code: 'read', text: 'nameserver 192.0.2.1' }) },
      warn: ({ problem }) => assert.fail(problem),
    });
  }
});

test('every directive is documented', () => {
  for (const name of DIRECTIVE_ORDER) assert.match(PAGE, new RegExp(`^## ${name}$`, 'm'));
});
