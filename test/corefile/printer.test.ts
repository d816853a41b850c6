/** Printing is the inverse of parsing, and one text for one meaning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Directive, ServerBlock } from '../../src/corefile/ast.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { printCorefile, printServerBlock } from '../../src/corefile/printer.ts';

const AT = { file: 'Corefile', line: 1, column: 1 };
const OPTIONS = {
  file: 'Corefile',
  environment: {},
  files: { read: () => ({ code: 'failed', reason: 'none' }) as const, glob: () => [] },
};

function parse(text: string): ServerBlock[] {
  return parseCorefile(text, OPTIONS);
}

/** Without positions. */
function plain(blocks: readonly ServerBlock[]): unknown {
  return JSON.parse(JSON.stringify(blocks, (key, value) => (key === 'at' ? undefined : value)));
}

// Words that the language can write: no environment reference, no backslash where quotes cannot hold one.
const text = fc
  .oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(...['{', '}', '"', '\\', ' ', '\n', '#', ',', '(', ')', 'a', 'import']),
      )
      .map((parts) => parts.join('')),
  )
  .filter((word) => !/\{[$%]/.test(word) && !/\\("|$)/.test(word));
const word = text.map((value) => ({ text: value, at: AT }));
const key = text.filter((value) => value !== '').map((value) => ({ text: value, at: AT }));
const { line } = fc.letrec<{ line: Directive }>((tie) => ({
  line: fc.record({
    name: word,
    args: fc.array(word, { maxLength: 4 }),
    block: fc.option(fc.array(tie('line'), { maxLength: 3 }), {
      nil: undefined,
      depthSize: 'small',
      maxDepth: 3,
    }),
  }),
}));
const blocks = fc.array(
  fc.record({
    keys: fc.array(key, { minLength: 1, maxLength: 3 }),
    directives: fc.array(line, { maxLength: 4 }),
  }),
  { maxLength: 3 },
);

test('parse of print is identity', () => {
  fc.assert(
    fc.property(blocks, (written) => {
      assert.deepEqual(plain(parse(printCorefile(written))), plain(written));
    }),
    { numRuns: 500 },
  );
});

test('blocks that hold the same words print alike', () => {
  const [left, right] = parse(
    'a.org, "b.org" {\n  cache   "30" {\n success 1 } # x\n}\na.org b.org {\n\tcache 30 {\n success \\\n 1\n}\n}',
  );
  assert.equal(
    printServerBlock(left!),
    'a.org b.org {\n    cache 30 {\n        success 1\n    }\n}\n',
  );
  assert.equal(printServerBlock(right!), printServerBlock(left!));
});

test('a word that ends in a backslash does not join two lines', () => {
  const [block] = parse('. {\n log a\\ \n errors\n}');
  assert.equal(block!.directives.length, 2);
  assert.deepEqual(plain(parse(printServerBlock(block!))), plain([block!]));
});
