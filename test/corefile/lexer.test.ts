/** Tokens of a Corefile: where words end, and what begins a line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenize } from '../../src/corefile/lexer.ts';

function texts(source: string): string[] {
  return tokenize(source, 'Corefile').map((token) => token.text);
}

/** `line:column text` of each token. */
function placed(source: string): string[] {
  return tokenize(source, 'Corefile').map(({ at, text }) => `${at.line}:${at.column} ${text}`);
}

test('words end at spaces of any kind, at line ends and at comments', () => {
  assert.deepEqual(texts('a\tb\u00a0c\r\nd #e f\n#g\n h'), ['a', 'b', 'c', 'd', 'h']);
  assert.deepEqual(texts(''), []);
  assert.deepEqual(texts('\ufeff:8080'), [':8080']);
});

test('a comment right behind a word ends at the next space, as in CoreDNS', () => {
  assert.deepEqual(texts('192.0.2.1#53 192.0.2.2#53\nc'), ['192.0.2.1', '192.0.2.2', 'c']);
  assert.deepEqual(placed('a#b#c\nd## "e"#f g'), ['1:1 a', '2:1 d', '2:5 e']);
});

test('inside quotes only a quote is escaped', () => {
  assert.deepEqual(texts('A "quoted \\"value\\"" B'), ['A', 'quoted "value"', 'B']);
  assert.deepEqual(texts('"don\'t\\escape" "two\\\\" ""'), ["don't\\escape", 'two\\\\', '']);
  assert.deepEqual(texts('"a"b c"d"'), ['a', 'b', 'c"d"']);
  assert.deepEqual(texts('"a # b"'), ['a # b']);
});

test('places count lines inside of quotes and after continued lines', () => {
  assert.deepEqual(placed('a "b\n  c" d\ne'), ['1:1 a', '1:3 b\n  c', '2:6 d', '3:1 e']);
  assert.deepEqual(placed('a \\\n b\\\r\n  c\nd'), ['1:1 a', '2:2 b', '3:3 c', '4:1 d']);
});

test('a continued line counts as one', () => {
  const starts = tokenize('a \\\n b\nc', 'Corefile').map((token) => token.startsLine);
  assert.deepEqual(starts, [true, false, true]);
  assert.deepEqual(texts('a\\ b\\'), ['a\\', 'b\\']);
});
