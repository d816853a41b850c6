/** Environment references in a word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandReferences } from '../../src/corefile/environment.ts';

test('both spellings are replaced, as often as they stand', () => {
  const environment = { A: '1', B: '{$A}' };
  assert.equal(expandReferences('x{$A}y{%A%}{$A}', environment), 'x1y11');
  assert.equal(expandReferences('{$NONE}', environment), '');
  assert.equal(expandReferences('{$B}', environment), '{$A}');
});

test('what is no reference stays', () => {
  for (const text of ['{$}', '{%}', '{%%}', '{$A', '{A}', '{>id}']) {
    assert.equal(expandReferences(text, { A: '1' }), text);
  }
});
