/** Go's text/template: the same output and the same complaints as Go's own, and no template that runs away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quote, textOf, unquote } from '../../src/gotemplate/octet-string.ts';
import { PARSE_UINT } from '../../src/gotemplate/parse-uint.ts';
import { type Execution, parseTemplate, type Template } from '../../src/gotemplate/template.ts';
import { intValue } from '../../src/gotemplate/value.ts';
import { DATA } from './data.ts';
import { GO_RESULTS } from './go-results.ts';

const FUNCTIONS = { parseInt: PARSE_UINT };

function templateOf(text: string): Template {
  const parsed = parseTemplate('answer', text, FUNCTIONS);
  assert(parsed.code === 'parsed', `${text}: ${JSON.stringify(parsed)}`);
  return parsed.template;
}

function run(text: string): Execution {
  return templateOf(text).execute(DATA);
}

function failureOf(text: string): string {
  const execution = run(text);
  assert(execution.code === 'failed', `${text}: ${JSON.stringify(execution).slice(0, 200)}`);
  return execution.reason;
}

test('every template comes to what Go makes of it', () => {
  for (const [text, ending, expected, spelling = text] of GO_RESULTS) {
    const parsed = parseTemplate('answer', text, FUNCTIONS);
    if (parsed.code === 'invalid') {
      assert.deepEqual(['invalid', parsed.reason], [ending, expected], text);
      continue;
    }
    const execution = parsed.template.execute(DATA);
    const result = execution.code === 'done' ? execution.text : execution.reason;
    assert.deepEqual([execution.code, result], [ending, expected], text);
    if (ending === 'done') assert.equal(parsed.template.toString(), spelling);
  }
});

const pieces = fc.constantFrom(
  ...[
    '{{',
    '}}',
    '{{- ',
    ' -}}',
    ' ',
    '|',
    '(',
    ')',
    ':=',
    '=',
    ',',
    '$x',
    '$',
    '.',
    '.Name',
    '.Match',
  ],
  ...[
    '"a"',
    '`b`',
    "'c'",
    '1',
    '0x1f',
    '1.5',
    '1i',
    'nil',
    'true',
    'len',
    'index',
    'printf "%d"',
    'and',
  ],
  ...[
    'if',
    'else',
    'end',
    'range',
    'with',
    'break',
    'continue',
    'define "T"',
    'template "T"',
    'block "B"',
  ],
  ...['/*', '*/', '\n', 'text', 'é', '\u{1f600}', '"', '\\'],
);
const anyTemplate = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(' ')),
  fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
  fc.array(pieces, { maxLength: 8 }).map((parts) => `{{ ${parts.join(' ')} }}`),
);

test('any text is a template or invalid, and running one ends', () => {
  fc.assert(
    fc.property(anyTemplate, (text) => {
      const parsed = parseTemplate('answer', text);
      if (parsed.code === 'invalid') assert.match(parsed.reason, /^template: answer:\d+: /);
      else parsed.template.execute(DATA);
    }),
    { numRuns: 2_000 },
  );
});

test('a template’s own spelling is the same template', () => {
  for (const [text, ending] of GO_RESULTS) {
    if (ending !== 'done' || /define|block/.test(text)) continue;
    const spelled = templateOf(text).toString();
    // What comments and trim markers took away stays away, but braces in text would begin an action.
    if (spelled.includes('{{{') || spelled.includes('"{{"')) continue;
    assert.equal(templateOf(spelled).toString(), spelled);
    assert.deepEqual(templateOf(spelled).execute(DATA), templateOf(text).execute(DATA), text);
  }
});

test('text without actions is itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      if (text.includes('{{')) return;
      assert.deepEqual(run(text), { code: 'done', text });
    }),
  );
});

test('a quoted text is a literal for itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const octets = Buffer.from(text, 'utf8').toString('latin1');
      assert.equal(unquote(textOf(quote(octets))), octets);
      assert.deepEqual(run(`{{ ${textOf(quote(octets))} }}`), {
        code: 'done',
        text: textOf(octets),
      });
    }),
  );
});

test('printf pads to its width and prints integers as they are', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 40 }), (number, width) => {
      const execution = run(
        `{{ printf "%${width}d|%-${width}d|%x" ${number} ${number} ${number} }}`,
      );
      const text = String(number);
      assert.deepEqual(execution, {
        code: 'done',
        text: `${text.padStart(width)}|${text.padEnd(width)}|${number.toString(16)}`,
      });
    }),
  );
});

test('steps are bounded, whatever loops', () => {
  for (const text of [
    '{{ range 1000000000 }}{{ end }}',
    '{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}',
    '{{ range 1000000 }}{{ continue }}{{ end }}',
  ]) {
    assert.match(failureOf(text), /more than 20000 steps$/, text);
  }
});

test('templates in templates are bounded', () => {
  const text = '{{ define "T" }}{{ template "T" . }}{{ end }}{{ template "T" . }}';
  assert.match(failureOf(text), /executing "T" at .*: exceeded maximum template depth \(500\)$/);
});

test('nesting in the text is bounded', () => {
  const nested = (open: string, close: string, count: number) =>
    open.repeat(count) + close.repeat(count);
  for (const [open, close] of [
    ['{{ if true }}', '{{ end }}'],
    ['{{ with .Name }}{{ else with .Zone }}', '{{ end }}'],
  ] as const) {
    assert.equal(run(nested(open, close, 60)).code, 'done');
    const parsed = parseTemplate('answer', nested(open, close, 5_000));
    assert.match(JSON.stringify(parsed), /max expression depth exceeded/);
  }
  assert.equal(run(`{{ ${'('.repeat(150)}1${')'.repeat(150)} }}`).code, 'done');
  const parsed = parseTemplate('answer', `{{ ${'('.repeat(9_000)}1${')'.repeat(9_000)} }}`);
  assert.match(JSON.stringify(parsed), /max expression depth exceeded/);
});

test('output and texts are bounded', () => {
  assert.match(
    failureOf('{{ $x := printf "%100000s" "" }}{{ $x }}{{ $x }}{{ $x }}'),
    /output of more than 262144 octets$/,
  );
  assert.match(
    failureOf('{{ $x := printf "%140000s" "" }}{{ print $x $x }}'),
    /error calling print: text of more than 262144 octets$/,
  );
  assert.match(failureOf('{{ printf "%999999999d" 1 }}'), /width of more than 262144$/);
});

test('the work of functions counts, not only their number', () => {
  const long = '{{ $x := printf "%10000s" "" }}';
  for (const text of [
    `${long}{{ range 1000 }}{{ $y := printf "%x" $x }}{{ end }}`,
    `${long}{{ range 1000 }}{{ $y := html $x }}{{ end }}`,
    `${long}{{ range 1000 }}{{ $y := urlquery $x }}{{ end }}`,
    `${long}{{ range 1000 }}{{ $y := eq $x "a" }}{{ end }}`,
    '{{ range 1000 }}{{ $y := printf "%10000d" 1 }}{{ end }}',
    `{{ $x := "${'9'.repeat(10_000)}" }}{{ range 1000 }}{{ if parseInt $x 0 64 }}{{ end }}{{ end }}`,
  ]) {
    assert.match(failureOf(text), /more than 20000 steps$|value out of range$/, text.slice(0, 90));
  }
});

test('large lists and maps count each time that they are printed or put into order', () => {
  const items = Array.from({ length: 10_000 }, (_, index) => intValue(index));
  const fields = {
    L: () => ({ kind: 'slice' as const, element: 'int', items }),
    M: () => ({
      kind: 'map' as const,
      element: 'int',
      entries: new Map(items.map((item, index) => [String(index), item])),
    }),
  };
  const data = { kind: 'struct' as const, type: 'main.data', fields, methods: {} };
  for (const body of [
    '{{ range $.M }}{{ break }}{{ end }}',
    '{{ $y := print $.L }}',
    '{{ $y := len $.M }}',
  ]) {
    const execution = templateOf(`{{ range 1000 }}${body}{{ end }}`).execute(data);
    assert.match(JSON.stringify(execution), /more than 20000 steps/, body);
  }
});

test('a number of any length is out of range', () => {
  for (const base of [0, 10, 16]) {
    const reason = failureOf(`{{ parseInt "${'9'.repeat(100_000)}" ${base} 64 }}`);
    assert.match(reason, /value out of range$/);
  }
});
