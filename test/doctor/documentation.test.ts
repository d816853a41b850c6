/** docs/doctor.md: every check is described, in their order, and nothing else is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHECKS } from '../../src/doctor/checks.ts';

const PAGE = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');

test('the page and the checks are one list', () => {
  const rows = [...PAGE.matchAll(/^\| `([a-z-]+)` \| .+ \| .+ \|$/gm)].map(([, name]) => name);
  assert.deepEqual(
    rows,
    CHECKS.map(({ name }) => name),
  );
});

test('the example fits a terminal', () => {
  const [, example = ''] = /^```\n(\$ zerohop doctor\n[\s\S]*?)^```$/m.exec(PAGE) ?? [];
  assert.match(example, /^failed {3}query/m);
  for (const line of example.split('\n')) assert(line.length <= 80, line);
});
