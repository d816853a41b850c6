/** The expr language: the same values as the original, and no expression that runs away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Scope } from '../../src/expression/checker.ts';
import { compileExpression, type ExpressionResult } from '../../src/expression/expression.ts';
import type { ExpressionFunction } from '../../src/expression/function.ts';
import { FUNCTIONS } from '../../src/expression/functions.ts';
import { isVariableName } from '../../src/expression/names.ts';
import { PREDICATES } from '../../src/expression/predicates.ts';
import { type Value, type ValueType, valueText } from '../../src/expression/value.ts';
import { EXPR_BUILTINS } from './builtins.ts';
import { EXPR_BUILTIN_RESULTS } from './expr-builtin-results.ts';
import { EXPR_ENVIRONMENT_RESULTS } from './expr-environment-results.ts';
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

/** How our run ends; it may find what the original's types tell before. */
function endingOf(text: string): readonly [ending: string, text: string] {
  const compiled = compileExpression(text, SCOPE);
  if (compiled.code === 'invalid') return ['refused', compiled.reason];
  const result = compiled.expression.run({ functions, variables });
  return result.code === 'value' ? ['value', valueText(result.value)] : ['refused', result.reason];
}

const RESULTS = [...EXPR_RESULTS, ...EXPR_BUILTIN_RESULTS, ...EXPR_ENVIRONMENT_RESULTS];

test('every expression comes to what the original makes of it', () => {
  for (const [text, ending, expected] of RESULTS) {
    const [ours, value] = endingOf(text);
    assert.equal(ours, ending === 'value' ? 'value' : 'refused', `${text}: ${value}`);
    if (ending === 'value') assert.equal(value, expected, text);
  }
});

test('every builtin is there, and no other', () => {
  for (const [name, text, expected] of EXPR_BUILTINS) {
    assert.match(text, new RegExp(`\\b${name}\\(`));
    assert.deepEqual(endingOf(text), ['value', expected], text);
  }
  const names = EXPR_BUILTINS.map(([name]) => name);
  assert.deepEqual([...FUNCTIONS.keys(), ...PREDICATES.keys()].sort(), names.sort());
});

test('where it differs from the original', () => {
  const cases: [text: string, original: string, ours: string][] = [
    ['$env.name', 'its address', 'func name'],
    ['$env[nil]', '<nil>', 'type map has no member of type nil (1:5)'],
    ['$env?.nope.x', 'failed', '<nil>'],
    ['get($env, 1)', 'failed', '<nil>'],
    ['let $env = 1; 2', '2', 'unexpected token "$env" (1:5)'],
    // Go's octets are no integers but when they are counted with.
    ['-b"a"[0]', '159', '-97'],
    ['b"abc"[0] == "a"', 'invalid', 'false'],
    ['"a" in b"abc"', 'invalid', 'false'],
    ['sort(b"cba")', 'invalid', '[97 98 99]'],
    [
      'b"abc" matches "b"',
      'true',
      'invalid operation: matches (mismatched types array and string) (1:8)',
    ],
    ['float("0x1p-2")', '0.25', 'invalid operation: float(0x1p-2)'],
    // Go's map gives the zero of its element.
    ['groupBy(["a"], len(#))[3]', '[]', '<nil>'],
    ['groupBy(["a"], duration("1s"))', 'map[1s:[a]]', 'time.Duration cannot be the key of a map'],
    // Ours has a value where the original's types are stricter.
    ['1 ?? 2 + 3', 'invalid', '4'],
    ['get(arr, "x")', 'invalid', '<nil>'],
    ['toJSON(groupBy([1], "a"))', 'failed', '{\n  "a": [\n    1\n  ]\n}'],
  ];
  for (const [text, original, ours] of cases) {
    assert.equal(endingOf(text)[1], ours, text);
    assert.notEqual(original, ours);
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
    'reduce(',
    'date("2024-02-29")',
    '.Year()',
    'if',
    'else',
    '#acc',
    '::',
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
  assert.match(failureOf('let x = 1..30000; [x, x, x]'), /^more than 65536 elements/);
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

test('a value counts with all that it holds, every time', () => {
  const doubled = Array.from(
    { length: 40 },
    (_, index) => `let v${index + 1} = [v${index}, v${index}]; `,
  );
  assert.match(
    failureOf(`let v0 = [1]; ${doubled.join('')}string(v40)`),
    /^more than (?:65536 elements|20000 steps)/,
  );
  assert.match(failureOf('reduce(1..200, [#acc], 1)'), /^lists nested more than 100 deep/);
  assert.equal(run('reduce(1..100, [#acc], 1)').code, 'value');
  assert.match(
    failureOf('fromJSON(repeat("[", 200) + repeat("]", 200))'),
    /nested more than 100 deep/,
  );
  assert.equal(run('fromJSON(repeat("[", 100) + repeat("]", 100))').code, 'value');
});

test('what would be too large is never made', () => {
  for (const text of [
    'replace(repeat("a", 10000), "", repeat("b", 10000))',
    'replace(repeat("a", 10000), "a", repeat("b", 10000))',
    'join(split(repeat("a", 10000), ""), repeat("b", 10000))',
    'concat(1..30000, 1..30000, 1..30000)',
    'toJSON(map(1..90, toJSON(map(1..90, toJSON("<<<<<<<<<<<<<<<<")))))',
    'repeat("a", 9223372036854775807)',
    '0..9223372036854775807',
  ]) {
    assert.match(failureOf(text), /^more than (?:65536 elements|20000 steps)/, text);
  }
});

test('work counts, not only nodes', () => {
  for (const body of [
    'len(1..9000) > 0',
    '(1..9000) != nil',
    'let y = 1..9000; true',
    'len(uniq(1..4000)) > 0',
    'len(sort(1..4000)) > 0',
    'upper(repeat("e", 9000)) != ""',
    'repeat("e", 9000)[1:] != ""',
    'toJSON(1..4000) != ""',
    '# in 1..4000',
    'string(date("2024-01-01").AddDate(0, 0, #)) != ""',
    'not ("a" matches "(a{1,100}b){1,9}" + string(#))',
  ]) {
    assert.match(failureOf(`all(1..1000, {${body}})`), /^more than 20000 steps/, body);
  }
});

test('a pattern that stands in the expression is compiled once, whatever its size', () => {
  const names = Array.from({ length: 400 }, (_, index) => `host${index}[.]example[.]`).join('|');
  const { code } = compileExpression(`name() matches "^(${names}|a.example.)$"`, SCOPE);
  assert.equal(code, 'compiled');
  assert.deepEqual(run(`all(1..100, name() matches "^(${names}|a.example.)$")`), {
    code: 'value',
    value: true,
  });
  const tooLong = compileExpression(`name() matches "${'a'.repeat(10_001)}"`, SCOPE);
  assert.match(JSON.stringify(tooLong), /pattern too long/);
});

test('what no integer or date can hold', () => {
  assert.deepEqual(run('int(0 / 0)'), { code: 'value', value: -(2n ** 63n) });
  assert.deepEqual(run('int(1e300)'), { code: 'value', value: -(2n ** 63n) });
  for (const text of [
    'date("2024-01-01").AddDate(9223372036854775807, 0, 0)',
    'date("2024-01-01").AddDate(0, 0, 999999999)',
  ]) {
    assert.match(failureOf(text), /^date out of range/);
  }
  assert.ok(failureOf('int("1" + repeat("0", 60000))').length < 300);
});

test('parts that are written once and used twice are checked once', () => {
  const elvis = `${'('.repeat(45)}m.z ?? true${' ?: false)'.repeat(45)}`;
  assert.equal(compileExpression(elvis, SCOPE).code, 'compiled');
  const chain = `${'1 < len(string('.repeat(30)}1${')) < 9'.repeat(30)}`;
  assert.equal(compileExpression(chain, SCOPE).code, 'compiled');
  assert.match(failureOf(elvis), /^more than 20000 steps/);
});

test('what is kept from run to run is bounded, and right beyond the bound', () => {
  const matched = 'all(1..20, string(#) matches "^" + string(#) + "$")';
  for (let round = 0; round < 5; round++) {
    const text = matched.replaceAll('1..20', `${20 * round}..${20 * round + 19}`);
    assert.deepEqual(run(text), { code: 'value', value: true }, text);
  }
  const zones = ['Africa', 'America', 'Asia', 'Australia', 'Europe'].flatMap((area) =>
    Intl.supportedValuesOf('timeZone')
      .filter((zone) => zone.startsWith(`${area}/`))
      .slice(0, 5),
  );
  for (const zone of zones) {
    const text = `date("2024-02-29").In(timezone("${zone}")).Format("MST") != ""`;
    assert.deepEqual(run(text), { code: 'value', value: true }, zone);
  }
  assert.deepEqual(run('date("2024-02-29").In(timezone("Europe/Berlin")).Format("MST")'), {
    code: 'value',
    value: 'CET',
  });
  assert.match(failureOf('duration(repeat("1s", 200))'), /^time: invalid duration/);
});
