/** Go's regular expressions, searched by JavaScript's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileRegexp } from '../../src/directives/regexp.ts';

function matches(pattern: string, text: string): boolean {
  const compiled = compileRegexp(pattern);
  assert(compiled.code === 'compiled', `${pattern}: ${JSON.stringify(compiled)}`);
  return compiled.regexp.test(text);
}

test('what both languages have, and what only Go has', () => {
  const cases: [string, string, boolean][] = [
    ['^.* i/o timeout$', '2 example.org. A: read udp: i/o timeout', true],
    ['a.b', 'a\nb', false],
    ['(?s)a.b', 'a\nb', true],
    ['a.b', 'a\rb', true],
    ['(?i)TIMEOUT', 'Timeout', true],
    ['x(?i:Y)z', 'xyz', true],
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
    assert.equal(matches(pattern, text), expected, `${pattern} ${JSON.stringify(text)}`);
  }
});

test('what Go refuses is invalid', () => {
  const patterns = [
    '())',
    '(',
    '[a',
    'a**',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(a)\\1',
    '\\y',
    'a(?i)b',
    '[[:nope:]]',
    '\\',
    '*',
    '[z-a]',
    '\\p{Nope}',
  ];
  for (const pattern of patterns) assert.equal(compileRegexp(pattern).code, 'invalid', pattern);
});

test('any text is a pattern or invalid', () => {
  const part = fc.constantFrom(
    ...[
      '[',
      ']',
      '^',
      '-',
      '\\',
      '(',
      ')',
      '(?',
      'P<a>',
      '{',
      '2',
      '}',
      '[:',
      'alpha:]',
      'a',
      '.',
      '\\Q',
      '\\E',
      '\\p',
      '\u{1f600}',
    ],
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
      assert(matches(`^\\Q${quoted}\\E$`, quoted));
    }),
  );
});
