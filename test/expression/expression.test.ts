/** The expr language: the same values as the original, and no expression that runs away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Scope } from '../../src/expression/checker.ts';
import { compileExpression, type ExpressionResult } from '../../src/expression/expression.ts';
import type { ExpressionFunction } from '../../src/expression/functions.ts';
import { isVariableName } from '../../src/expression/names.ts';
import { type Value, type ValueType, valueText } from '../../src/expression/value.ts';
import { EXPR_RESULTS } from './expr-results.ts';

function returning(result: ValueType, value: Value): ExpressionFunction {
  return { parameters: [], result, call: () => value };
}

const functions: ReadonlyMap<string, ExpressionFunction> = new Map<string, ExpressionFunction>([
  ['name', returning('string', 'a.example.')],
  ['type', returning('string', 'A')],
  ['client_ip', returning('string', '10.0.0.1')],
  ['id', returning('int', 7n)],
  ['do', returning('bool', true)],
  [
    'group',
    {
      parameters: ['any'],
      result: 'string',
      call: (key) => (key === 0n ? 'whole' : key === 'a' ? '12' : ''),
    },
  ],
]);
const variables: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['i', 5n],
  ['s', 'str'],
  ['f', 1.5],
  ['b', true],
  ['arr', [1n, 2n, 'x']],
  [
    'm',
    new Map<string, Value>([
      ['k', 'v'],
      ['n', 1n],
    ]),
  ],
]);
const SCOPE: Scope = {
  functions,
  variables: new Map<string, ValueType>([
    ['i', 'int'],
    ['s', 'string'],
    ['f', 'float'],
    ['b', 'bool'],
    ['arr', 'array'],
    ['m', 'map'],
  ]),
};

function run(text: string): ExpressionResult {
  const compiled = compileExpression(text, SCOPE);
  assert(compiled.code === 'compiled', `${text}: ${JSON.stringify(compiled)}`);
  return compiled.expression.run({ functions, variables });
}

function failureOf(text: string): string {
  const result = run(text);
  assert(result.code === 'failed', text);
  return result.reason;
}

test('every expression comes to what the original makes of it', () => {
  for (const [text, ending, expected] of EXPR_RESULTS) {
    const compiled = compileExpression(text, SCOPE);
    if (compiled.code === 'invalid') {
      assert.equal(ending, 'invalid', `${text}: ${compiled.reason}`);
      continue;
    }
    const result = compiled.expression.run({ functions, variables });
    assert.equal(
      result.code,
      ending,
      `${text}: ${JSON.stringify(result, (_, value) => String(value))}`,
    );
    if (result.code === 'value') assert.equal(valueText(result.value), expected, text);
  }
});

test('what is wrong is said with its place', () => {
  const cases: [string, string][] = [
    ['1 + "a"', 'invalid operation: + (mismatched types int and string) (1:3)'],
    ['nothing', 'unknown name nothing (1:1)'],
    ['nothing()', 'unknown name nothing (1:1)'],
    ['1 +', 'unexpected end of expression (1:4)'],
    ['(1', 'unexpected end of expression (1:3)'],
    ['1 2', 'unexpected token "2" (1:3)'],
    ['"a', 'literal not terminated (1:1)'],
    ['1 @ 2', 'unrecognized character: @ (1:3)'],
    ['len()', 'not enough arguments to call len (1:1)'],
    ['len("a", 1)', 'too many arguments to call len (1:1)'],
    ['upper(1)', 'cannot use int as argument (type string) to call upper (1:7)'],
    ['1 ? 2 : 3', 'non-bool expression (type int) used as condition (1:1)'],
    ['99999999999999999999', 'integer literal is too large (1:1)'],
  ];
  for (const [text, reason] of cases) {
    assert.deepEqual(compileExpression(text, SCOPE), { code: 'invalid', reason }, text);
  }
  assert.equal(failureOf('arr[7]'), 'index out of range: 7 (array length is 3) (1:4)');
  assert.equal(failureOf('m.k.x'), 'cannot fetch x from string (1:4)');
});

test('names that a variable may have', () => {
  for (const name of ['a', '_x', 'a1', 'name', 'zone']) assert(isVariableName(name), name);
  for (const name of [
    '1a',
    'a-b',
    '',
    'true',
    'nil',
    'let',
    'in',
    'len',
    'filter',
    'type',
    'now',
  ]) {
    assert(!isVariableName(name), name);
  }
});

const part = fc.constantFrom(
  ...[
    '1',
    '2.5',
    '"a"',
    "'b'",
    'i',
    's',
    'f',
    'b',
    'arr',
    'm',
    'name()',
    'group(0)',
    'nil',
    'true',
  ],
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    '**',
    '==',
    '<',
    'in',
    'not',
    'and',
    '||',
    '??',
    '..',
    '?',
    ':',
    '?.',
  ],
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    '.',
    '#',
    '|',
    ';',
    'let x =',
    'len(',
    'filter(',
    'map(',
    'k',
  ],
);

test('any text is an expression or invalid, and running one ends', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(text, (input) => {
      const compiled = compileExpression(input, SCOPE);
      if (compiled.code === 'compiled') compiled.expression.run({ functions, variables });
    }),
    { numRuns: 3_000 },
  );
});

test('integers wrap around as Go’s do', () => {
  const integer = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(integer, integer, (left, right) => {
      const result = run(`${left} * ${right < 0n ? `(${right})` : right}`);
      assert.deepEqual(result, { code: 'value', value: BigInt.asIntN(64, left * right) });
    }),
  );
});

test('steps, sizes and nesting are bounded', () => {
  assert.match(failureOf('all(1..1000, all(1..1000, # > 0))'), /^more than 20000 steps/);
  assert.match(failureOf('len(1..1000000000)'), /^more than 65536 elements/);
  assert.match(failureOf('repeat("ab", 1000000000)'), /^more than 65536 elements/);
  assert.match(
    failureOf(`let x = repeat("a", 60000); ${'x + '.repeat(3)}x`),
    /^more than 65536 elements/,
  );
  assert.equal(run(`${'('.repeat(90)}1${')'.repeat(90)}`).code, 'value');
  for (const [mark, rest] of [
    ['(', '1'],
    ['-', '1'],
    ['!', 'b'],
  ] as const) {
    const reasonOf = (count: number) =>
      JSON.stringify(compileExpression(mark.repeat(count) + rest, SCOPE));
    assert.match(reasonOf(9_999), /more than 1000 words/);
    assert.match(reasonOf(500), /too deeply nested/);
  }
  assert.deepEqual(run(`1${' + 1'.repeat(490)}`), { code: 'value', value: 491n });
  assert.match(JSON.stringify(compileExpression(`1${' + 1'.repeat(600)}`, SCOPE)), /1000 words/);
});
