/** docs/lint.md: every rule is described under its level, and nothing else is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ALL_RULES } from '../../src/lint/rules.ts';

const PAGE = readFileSync(new URL('../../docs/lint.md', import.meta.url), 'utf8');

test('the page and the rules are one list', () => {
  const rows = [
    ...PAGE.matchAll(/^\| `([a-z0-9-]+)` \| (error|warning|note) \| (.+) \| (.+) \|$/gm),
  ];
  const documented = rows.map(([, name, level]) => `${name} ${level}`);
  assert.deepEqual(
    documented,
    ALL_RULES.map(({ name, level }) => `${name} ${level}`),
  );
});
