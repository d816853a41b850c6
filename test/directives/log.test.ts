/** `log`: names, formats and classes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMBINED_LOG_FORMAT, COMMON_LOG_FORMAT, type LogRule } from '../../src/directives/log.ts';
import { configOf, failureOf } from './server-block.ts';

function rule(
  zone: string,
  format = COMMON_LOG_FORMAT,
  classes: LogRule['classes'] = ['all'],
): LogRule {
  return { zone, format, classes };
}

test('names, a format, classes', () => {
  const cases: [string, LogRule[]][] = [
    ['errors', []],
    ['log', [rule('.')]],
    ['log Example.org', [rule('example.org.')]],
    ['log example.org example.net', [rule('example.org.'), rule('example.net.')]],
    ['log example.org {combined}', [rule('example.org.', COMBINED_LOG_FORMAT)]],
    ['log a.org b.org "{name}"', [rule('a.org.', '{name}'), rule('b.org.', '{name}')]],
    [
      'log . "{when} {common} {/forward/upstream}"',
      [rule('.', `{when} ${COMMON_LOG_FORMAT} {/forward/upstream}`)],
    ],
    ['log a.org {name}\nlog b.org {type}', [rule('a.org.', '{name}'), rule('b.org.', '{type}')]],
    ['log {\n class denial error\n}', [rule('.', COMMON_LOG_FORMAT, ['denial', 'error'])]],
    [
      'log . {combined} {\n class denial\n class success denial\n}',
      [rule('.', COMBINED_LOG_FORMAT, ['denial', 'success'])],
    ],
  ];
  for (const [lines, expected] of cases) assert.deepEqual(configOf(lines).log, expected, lines);
});

test('a single argument is a name, and a warning where it looks like a format', () => {
  const warnings: string[] = [];
  assert.deepEqual(configOf('log {combined}', {}, warnings).log, [rule('{combined}.')]);
  assert.deepEqual(warnings, [
    "2:5 log: '{combined}' is read as a name: write '. {combined}' for a format",
  ]);
});

test('what CoreDNS refuses is refused', () => {
  assert.match(
    failureOf('log {\n class abracadabra\n}'),
    /'abracadabra': expected all, success, denial or error/,
  );
  assert.match(failureOf('log {\n class\n}'), /class: expected at least one argument/);
  assert.match(failureOf('log {\n unknown\n}'), /unknown option 'unknown': expected class/);
});
