/** Paragraphs and colours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coloured, paragraph } from '../../src/cli/terminal-text.ts';

const output = (columns: number, hasColour = false) => ({ write: () => {}, columns, hasColour });

test('a paragraph fits, word by word, and is never too wide to read', () => {
  const text = 'one two three four';
  assert.equal(paragraph(text, 2, output(12)), '  one two\n  three four\n');
  assert.equal(paragraph(text, 0, output(4)), 'one\ntwo\nthree\nfour\n');
  assert.equal(paragraph('a'.repeat(200), 4, output(20)), `    ${'a'.repeat(200)}\n`);
  for (const line of paragraph('word '.repeat(100).trim(), 4, output(300)).split('\n')) {
    assert(line.length <= 100);
  }
});

test('colours only where they are shown', () => {
  assert.equal(coloured(output(80), 'red', 'x'), 'x');
  assert.equal(coloured(output(80, true), 'red', 'x'), '\u001b[31mx\u001b[0m');
});
