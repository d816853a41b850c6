/** `errors`: consolidation rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, failureOf } from './server-block.ts';

test('rules keep their order', () => {
  assert.deepEqual(configOf('errors').errors, { stacktrace: false, consolidate: [] });
  assert.deepEqual(
    configOf(`errors stdout {
      stacktrace
      consolidate 1m ".* timeout$"
      consolidate 5s ^exact$ warning show_first
      consolidate 5s x show_first
      consolidate 5s x debug
    }`).errors,
    {
      stacktrace: true,
      consolidate: [
        { periodMs: 60_000, pattern: '.* timeout$', level: 'error', showFirst: false },
        { periodMs: 5_000, pattern: '^exact$', level: 'warning', showFirst: true },
        { periodMs: 5_000, pattern: 'x', level: 'error', showFirst: true },
        { periodMs: 5_000, pattern: 'x', level: 'debug', showFirst: false },
      ],
    },
  );
  assert.equal(configOf('cache').errors, undefined);
});

test('what CoreDNS refuses is refused', () => {
  assert.match(failureOf('errors errors.txt'), /'errors.txt': expected stdout/);
  assert.match(failureOf('errors a b'), /unexpected 'b'/);
  assert.match(failureOf('errors\nerrors'), /expected once in a server block/);
  const cases: [string, RegExp][] = [
    ['log visible', /unknown option 'log'/],
    ['stacktrace x', /unknown option 'x'/],
    ['consolidate', /expected 2 to 4 arguments/],
    ['consolidate 1m', /expected 2 to 4 arguments/],
    ['consolidate 1m .* extra', /'extra': expected warning, error, info, debug or show_first/],
    ['consolidate abc .*', /expected a duration/],
    ['consolidate 1 .*', /expected a duration/],
    ['consolidate 1m ())', /expected a regular expression/],
    ['consolidate 1m x warning error', /'error': expected show_first/],
    ['consolidate 1m x show_first info', /unexpected 'info': expected show_first last/],
    [`consolidate 1m ${'a'.repeat(10_001)}`, /expected at most 10000 characters/],
  ];
  for (const [line, expected] of cases)
    assert.match(failureOf(`errors {\n${line}\n}`), expected, line);
  assert.doesNotThrow(() => configOf(`errors {\nconsolidate 1m ${'a'.repeat(10_000)}\n}`));
});
