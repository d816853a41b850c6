/** Go's regular expressions: what they match, what is refused, and that no text stalls them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileRegexp, type GoRegexp } from '../../src/base/regexp.ts';

function regexpOf(pattern: string): GoRegexp {
  const compiled = compileRegexp(pattern);
  assert(compiled.code === 'compiled', `${pattern}: ${JSON.stringify(compiled)}`);
  return compiled.regexp;
}

test('what a pattern matches', () => {
  const cases: [string, string, boolean][] = [
    ['^.* i/o timeout$', '2 example.org. A: read udp: i/o timeout', true],
    ['a.b', 'a\nb', false],
    ['(?s)a.b', 'a\nb', true],
    ['a.b', 'a\rb', true],
    ['(?i)TIMEOUT', 'Timeout', true],
    ['x(?i:Y)z', 'xyz', true],
    ['a(?i)b', 'aB', true],
    ['(?U)a+', 'aa', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['^b$', 'a\nb', false],
    ['\\Aab\\z', 'ab', true],
    ['(?m)\\Ab', 'a\nb', false],
    ['(?P<first>a)(?<second>b)', 'ab', true],
    ['\\Qa.b\\E.', 'a.bc', true],
    ['\\Qa.b', 'axb', false],
    ['[[:alpha:]_-]+9', 'z-_9', true],
    ['[\\w-.]+@', 'a-b.c@', true],
    ['[]a]b', ']b', true],
    ['[^]a]b', 'xb', true],
    ['[^]a]b', ']b', false],
    ['[a[]b', '[b', true],
    ['a{2}', 'aa', true],
    ['a{,2}', 'a{,2}', true],
    ['{x}]', '{x}]', true],
    ['\\-\\_\\/\\"\\.', '-_/".', true],
    ['\\x{1F600}\\x41', '\u{1f600}A', true],
    ['\\pL\\p{Greek}\\PN', 'aαb', true],
    ['\\p{^L}', 'a', false],
    ['a\\sb', 'a\u00a0b', false],
    ['[\\s]x\\S', ' xy', true],
  ];
  for (const [pattern, text, expected] of cases) {
    assert.equal(regexpOf(pattern).test(text), expected, `${pattern} ${JSON.stringify(text)}`);
    assert.equal(regexpOf(pattern).match(text) !== undefined, expected, pattern);
  }
});

test('what Go refuses is invalid, in its words', () => {
  const cases: [string, RegExp][] = [
    ['())', /unexpected \)/],
    ['(', /missing closing \)/],
    ['[a', /missing closing \]/],
    ['a**', /invalid nested repetition operator: `\*\*`/],
    ['(?=a)', /invalid or unsupported Perl syntax: `\(\?=`/],
    ['(?!a)', /invalid or unsupported Perl syntax/],
    ['(?<=a)', /invalid named capture/],
    ['(a)\\1', /invalid escape sequence: `\\1`/],
    ['\\y', /invalid escape sequence/],
    ['\\C', /invalid escape sequence/],
    ['[[:nope:]]', /invalid character class range/],
    ['\\', /trailing backslash/],
    ['*', /missing argument to repetition operator/],
    ['[z-a]', /invalid character class range/],
    ['\\p{Nope}', /invalid character class range/],
    ['a{1001}', /invalid repeat count/],
    ['((a{50}){5}){5}', /invalid repeat count/],
    ['('.repeat(2000) + ')'.repeat(2000), /nests too deeply/],
  ];
  for (const [pattern, reason] of cases) {
    const compiled = compileRegexp(pattern);
    assert(compiled.code === 'invalid', pattern);
    assert.match(compiled.reason, reason, pattern);
  }
});

test('groups by number and by name, empty where one took no part', () => {
  const regexp = regexpOf('(^|[.])ip-(?P<a>[0-9]+)-(?<b>[0-9]+)(x)?[.]example[.]$');
  assert.deepEqual(regexp.groupNames, ['', '', 'a', 'b', '']);
  assert.deepEqual(regexp.match('host.ip-10-2.example.'), [
    '.ip-10-2.example.',
    '.',
    '10',
    '2',
    '',
  ]);
  assert.equal(regexp.match('ip-10-.example.'), undefined);
});

test('any text is a pattern or invalid', () => {
  const part = fc.constantFrom(
    ...['[', ']', '^', '-', '\\', '(', ')', '(?', 'P<a>', '{', '2', '}', '[:', 'alpha:]', 'a', '.'],
    ...['\\Q', '\\E', '\\p', '\u{1f600}'],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (pattern) => {
      compileRegexp(pattern);
    }),
    { numRuns: 500 },
  );
});

test('a quoted text matches itself', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((quoted) => !quoted.includes('\\'));
  fc.assert(
    fc.property(text, (quoted) => {
      assert(regexpOf(`^\\Q${quoted}\\E$`).test(quoted));
    }),
  );
});

/** CPU time of this thread, in microseconds: what else the machine does counts for nothing in it. */
function cost(run: () => void, count: number): number {
  const before = process.threadCpuUsage();
  for (let index = 0; index < count; index++) run();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

/** How often something must be run to cost so much that the clock's steps (4 ms on some kernels) do not matter. */
function countFor(run: () => void): number {
  let count = 1;
  while (cost(run, count) < 40_000) count *= 2;
  return count;
}

/** What a long one costs by what eight short ones do. */
function costRatio(runLong: () => void, runShort: () => void): number {
  const count = countFor(runLong);
  return cost(runLong, count) / cost(runShort, 8 * count);
}

test('a text eight times as long costs about eight times as much, not its square or a power', () => {
  // A backtracking engine needs 2^n steps for the first three, n^3 for the last.
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(a|a?)+$', '(a?){40}a{40}$', '(.*)(.*)(.*)a$']) {
    const regexp = regexpOf(pattern);
    const [short, long] = [1_000, 8_000].map((size) => `${'a'.repeat(size)}!`) as [string, string];
    for (const look of ['test', 'match'] as const) {
      let ratio = Number.POSITIVE_INFINITY;
      // A hypervisor may take the core away, and the kernel count that as our time: once, and not each time.
      for (let tries = 0; tries < 3 && !(ratio < 4); tries++) {
        ratio = costRatio(
          () => regexp[look](long),
          () => regexp[look](short),
        );
      }
      assert(ratio < 4, `${pattern} ${look}: ${ratio.toFixed(1)} times eight short ones`);
    }
  }
});

test('the engine is loaded by the first pattern, not before', () => {
  const program = `
    const { registerHooks } = await import('node:module');
    const loads = [];
    registerHooks({ load: (url, context, next) => (loads.push(url), next(url, context)) });
    const { compileRegexp } = await import(process.argv[1]);
    const before = loads.some((url) => url.includes('re2js'));
    compileRegexp('a');
    console.log(before, loads.some((url) => url.includes('re2js')));
  `;
  const file = new URL('../../src/base/regexp.ts', import.meta.url).href;
  const { stdout, stderr } = spawnSync(process.execPath, [
    ...['--input-type=module', '-e', program, file],
  ]);
  assert.equal(stdout.toString(), 'false true\n', stderr.toString());
});
