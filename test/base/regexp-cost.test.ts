/** What an expression costs to compile: never less than the program it becomes, and a bound that only hostile ones meet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS, RE2JSException } from 're2js';
import { COMPILE_COST_MAX, compileRegexp } from '../../src/base/regexp.ts';
import { compileCost } from '../../src/base/regexp-cost.ts';

/** Begin and end of a program, and what `^` and `$` stand for. */
const FIXED_INSTRUCTIONS = 4;

function programSize(pattern: string): number | undefined {
  try {
    return RE2JS.compile(pattern).programSize();
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}

function isAtLeastProgram(pattern: string): boolean {
  const size = programSize(pattern);
  return size === undefined || size <= compileCost(pattern) + FIXED_INSTRUCTIONS;
}

test('the cost is at least the size of the program', () => {
  for (const pattern of [
    'abc',
    'a{1000}',
    '(a{10}){20}b',
    '(?:a?){100}',
    '(){100}',
    'a{5,}|b{0,7}c{,3}',
    '(a|bb|c){50}',
    '\\Qa{3}\\E{3}',
    '[a{9}[:alpha:]]{9}]',
    '[]a]{9}|[^]\\]]{9}',
    '(?P<name>a{3}){3}(?i:b){3}(?s)c{3}',
    '\\pL{100}\\x{1F600}{3}',
    '(?:(?:(?:a{2}){2}){2})+',
  ]) {
    assert.notEqual(programSize(pattern), undefined, pattern);
    assert.ok(isAtLeastProgram(pattern), `${pattern}: ${compileCost(pattern)}`);
  }
  const piece = fc.constantFrom(
    ...[
      'a',
      'b',
      '.',
      '(',
      '(?:',
      '(?P<n>',
      '(?i)',
      ')',
      '|',
      '*',
      '+?',
      '?',
      '{3}',
      '{2,}',
      '{0,5}',
    ],
    ...[
      '{2',
      '[',
      '[^',
      ']',
      '-',
      '[:digit:]',
      '\\',
      '\\d',
      '\\pN',
      '\\x{41}',
      '\\Q',
      '\\E',
      '^',
      '$',
    ],
  );
  const pattern = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  fc.assert(fc.property(pattern, isAtLeastProgram), { numRuns: 2_000 });
});

test('what would take long to compile is refused, what people write is not', () => {
  const fill = (piece: string) => piece.repeat(Math.floor(10_000 / piece.length));
  for (const hostile of [
    fill('a{1000}'),
    fill('[^a]{1000}'),
    fill('((a{10}){10}){10}'),
    fill('(){1000}'),
    fill('\\pL'),
    `(?i)${fill('\\p{Lu}|')}`,
    `(?i)[${fill('\\pL\\PN')}]`,
    `(?i)${fill('[b-\\x{1E000}]')}`,
    `${'(?:'.repeat(4)}a{1000}${'){9}'.repeat(4)}`,
  ]) {
    const compiled = compileRegexp(hostile);
    assert.equal(compiled.code, 'invalid', hostile.slice(0, 40));
    assert.match(
      compiled.code === 'invalid' ? compiled.reason : '',
      /^(?:too large \(\d+ steps|invalid repeat)/,
    );
  }
  // Of a range in both cases, what it holds counts.
  assert.equal(compileCost('(?i)[а-я]'), 1 + 2);
  assert.ok(compileCost('(?i)[--\\x{1E000}]') > 6_000);
  for (const usual of [
    '^ip-(?P<a>[0-9]{1,3})-(?P<b>[0-9]{1,3})-(?P<c>[0-9]{1,3})-(?P<d>[0-9]{1,3})[.]example[.]$',
    '(.*)-(us-west-1)\\.coredns\\.rocks',
    '^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.){1,10}svc\\.cluster\\.local\\.$',
    '(?i)^(?:\\pL|\\pN|-){1,63}\\.example\\.$',
    '^.{1,255}$',
    `^(?:${Array.from({ length: 800 }, (_, index) => `ad${index}`).join('|')})[.]example[.]$`,
    'a'.repeat(9_000),
  ]) {
    assert.equal(compileRegexp(usual).code, 'compiled', usual.slice(0, 40));
    assert.ok(compileCost(usual) <= COMPILE_COST_MAX / 3, usual.slice(0, 40));
  }
});
