/** The grammar of a Corefile: blocks, keys, snippets, imports and the places of errors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CorefileError, type Directive, type ServerBlock } from '../../src/corefile/ast.ts';
import type { FileSource } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';

const NO_FILES: Record<string, string> = {};

function filesOf(texts: Record<string, string>): FileSource {
  return {
    read(path) {
      const text = texts[path];
      return text === undefined
        ? { code: 'failed', reason: 'no such file' }
        : { code: 'read', text };
    },
    glob(pattern) {
      const [before = '', after = ''] = pattern.split('*');
      return Object.keys(texts).filter((path) => path.startsWith(before) && path.endsWith(after));
    },
  };
}

function parse(
  text: string,
  texts = NO_FILES,
  environment: Record<string, string> = {},
): ServerBlock[] {
  return parseCorefile(text, { file: 'etc/Corefile', environment, files: filesOf(texts) });
}

/** One line a directive: `name arg arg { line; line }`. */
function outline(lines: readonly Directive[]): string {
  return lines
    .map(({ name, args, block }) => {
      const words = [name, ...args].map((word) => word.text).join(' ');
      return block === undefined ? words : `${words} { ${outline(block)} }`;
    })
    .join('; ');
}

function outlines(text: string, texts = NO_FILES, environment: Record<string, string> = {}) {
  return parse(text, texts, environment).map(
    ({ keys, directives }) => `${keys.map((key) => key.text).join(' ')}: ${outline(directives)}`,
  );
}

function failure(text: string, texts = NO_FILES): string {
  try {
    parse(text, texts);
  } catch (error) {
    assert(error instanceof CorefileError);
    return error.message;
  }
  assert.fail(`no error for ${text}`);
}

test('a block holds directives with arguments and blocks of their own', () => {
  assert.deepEqual(
    outlines(`cluster.local:53 in-addr.arpa {
      errors
      cache 30 {   # seconds
        success 9984 30
        denial 9984 5
      }
      forward . 10.0.0.10 { force_tcp }
    }
    . { whoami }`),
    [
      'cluster.local:53 in-addr.arpa: errors; cache 30 { success 9984 30; denial 9984 5 }; forward . 10.0.0.10 { force_tcp }',
      '.: whoami',
    ],
  );
});

test('keys are separated by spaces, commas, and line ends after a comma', () => {
  const expected = ['a.org b.org c.org: whoami'];
  assert.deepEqual(outlines('a.org b.org c.org {\n whoami\n}'), expected);
  assert.deepEqual(outlines('a.org, b.org , c.org {\n whoami\n}'), expected);
  assert.deepEqual(outlines('a.org,\nb.org,\n\n c.org\n{\n whoami\n}'), expected);
  assert.deepEqual(outlines('a.org,b.org,c.org {\n whoami\n}'), expected);
});

test('the only block of a file needs no braces', () => {
  assert.deepEqual(outlines('.:1053\nerrors\nforward . 192.0.2.1 {\n force_tcp\n}\nlog'), [
    '.:1053: errors; forward . 192.0.2.1 { force_tcp }; log',
  ]);
  assert.deepEqual(outlines('.:1053'), ['.:1053: ']);
  assert.deepEqual(outlines(''), []);
});

test('an empty block is written {} or { }', () => {
  assert.deepEqual(outlines('. {\n cache {}\n log {\n }\n whoami { }\n}'), [
    '.: cache {  }; log {  }; whoami {  }',
  ]);
  assert.deepEqual(outlines('. {\n log {} x\n}'), ['.: log {} x']);
});

test('quotes keep spaces, lines and braces together', () => {
  const [block] = parse('. {\n log . "{name}\n \\"{type}\\" \\d" "{" x\n errors\n}');
  const [log, errors] = block!.directives;
  assert.deepEqual(
    log!.args.map((word) => word.text),
    ['.', '{name}\n "{type}" \\d', '{', 'x'],
  );
  assert.equal(errors!.name.at.line, 4);
  assert.deepEqual(log!.args[3]!.at, { file: 'etc/Corefile', line: 3, column: 21 });
});

test('environment references are expanded anywhere in a word', () => {
  const environment = {
    ZONE: 'a.org,b.org',
    PORT: '1053',
    IPS: '192.0.2.1 192.0.2.2',
    LOOP: '{$LOOP}',
  };
  assert.deepEqual(
    outlines(
      '{$ZONE} {\n bind "{$IPS}" {%PORT%}\n prometheus :{$PORT}{$UNSET}\n log {$} {$LOOP}\n}',
      NO_FILES,
      environment,
    ),
    ['a.org b.org: bind 192.0.2.1 192.0.2.2 1053; prometheus :1053; log {$} {$LOOP}'],
  );
});

test('a snippet is spliced in wherever it is imported', () => {
  assert.deepEqual(
    outlines(`(common) {
      errors
      cache 30
    }
    (late) { serve_stale }
    a.org {
      import common
      whoami
    }
    b.org {
      log
      import common
      cache {
        import late
        prefetch 1
      }
    }`),
    [
      'a.org: errors; cache 30; whoami',
      'b.org: log; errors; cache 30; cache { serve_stale; prefetch 1 }',
    ],
  );
});

test('files are imported from the folder of the importing file, at any level', () => {
  const files = {
    'etc/zones/a.conf': 'a.org {\n import ../common\n}\n',
    'etc/zones/b.conf': 'b.org {\n whoami\n}',
    'etc/common': 'errors\nimport cache # not this',
    'etc/cache': 'cache 30',
  };
  const expected = ['a.org: errors; cache 30', 'b.org: whoami', '.: log; errors; cache 30'];
  assert.deepEqual(outlines('import zones/*.conf\n. {\n log\n import common\n}', files), expected);
  assert.deepEqual(outlines('import none/*.conf', files), []);
  const [block] = parse('import zones/a.conf', files);
  assert.deepEqual(block!.directives[1]!.name.at, { file: 'etc/cache', line: 1, column: 1 });
});

test('errors name file, line, column and what was expected', () => {
  const cases: [string, string][] = [
    ['. {\n errors\n', "etc/Corefile:1:3: this '{' is never closed: expected a '}'"],
    ['. {\n cache {\n x', "etc/Corefile:2:8: this '{' is never closed: expected a '}'"],
    ['. {\n}\n}\na {\n}', "etc/Corefile:3:1: unexpected '}': no '{' is open"],
    ['}', "etc/Corefile:1:1: unexpected '}': no '{' is open"],
    ['{\n errors\n}', 'etc/Corefile:1:1: expected a zone before the server block'],
    [
      '. {\n errors\n {\n }\n}',
      "etc/Corefile:3:2: unexpected '{': expected the name before it on its line",
    ],
    ['a.org, {\n}', 'etc/Corefile:1:1: expected another zone after the comma'],
    ['. {\n cache {\n } x\n}', "etc/Corefile:3:4: unexpected 'x': expected a new line after '}'"],
    ['. {\n log "x\n}', `etc/Corefile:2:6: this quote is never closed: expected another '"'`],
    [
      '(a) {\n x\n}\n(a) {\n}',
      'etc/Corefile:4:1: the snippet (a) is defined already: expected a new name',
    ],
    ['(a) {\n x', "etc/Corefile:1:1: the snippet (a) is never closed: expected a '}'"],
    ['(a)\nx', "etc/Corefile:1:1: expected '{' after the snippet's name (a)"],
    ['. {\n import\n}', 'etc/Corefile:2:2: import: expected one snippet, file or pattern'],
    ['. {\n import a b\n}', 'etc/Corefile:2:2: import: expected one snippet, file or pattern'],
    ['import none', 'etc/Corefile:1:1: import etc/none: expected a readable file: no such file'],
    ['import */*.conf', "etc/Corefile:1:1: import */*.conf: expected at most one '*' and one '?'"],
    ['import [a-z]', "etc/Corefile:1:1: import [a-z]: expected at most one '*' and one '?'"],
  ];
  for (const [text, expected] of cases) assert.equal(failure(text), expected);
});

const SURPLUS = "a '}' too many is passed over: no '{' is open, leave it out";
const UNCLOSED = "this '{' is never closed: expected a '}'; the end of the file stands in for it";

test('braces that CoreDNS passes over give a warning', () => {
  const cases: [string, string, string[]][] = [
    ['. {\n errors\n}\n}', '.: errors', [`4:1 ${SURPLUS}`]],
    ['. {\n errors\n} }\n}', '.: errors', [`3:3 ${SURPLUS}`, `4:1 ${SURPLUS}`]],
    ['.\nerrors\n}', '.: errors', [`3:1 ${SURPLUS}`]],
    ['. {\n cache {\n x\n}', '.: cache { x }', [`1:3 ${UNCLOSED}`]],
    ['(a) {\n cache {\n x\n }\n}\n. {\n import a', '.: cache { x }', [`6:3 ${UNCLOSED}`]],
  ];
  for (const [text, expected, warned] of cases) {
    const warnings: string[] = [];
    const blocks = parseCorefile(text, {
      file: 'etc/Corefile',
      environment: {},
      files: filesOf(NO_FILES),
      warn: ({ line, column }, problem) => warnings.push(`${line}:${column} ${problem}`),
    });
    assert.deepEqual(
      blocks.map(({ keys, directives }) => `${keys[0]!.text}: ${outline(directives)}`),
      [expected],
      text,
    );
    assert.deepEqual(warnings, warned, text);
  }
});

test('import cycles and floods of imports are errors', () => {
  assert.match(failure('import a', { 'etc/a': 'import a' }), /etc\/a:1:1: .*more than 32 deep/);
  assert.match(
    failure('import a', { 'etc/a': 'import b\nwhoami', 'etc/b': 'x\nimport a' }),
    /more than 32 deep/,
  );
  assert.match(failure('(a) {\n import a\n}\n. {\n import a\n}'), /more than 32 deep/);
  const doubling = Array.from(
    { length: 16 },
    (_, n) => `(s${n + 1}) {\n import s${n}\n import s${n}\n}`,
  );
  assert.match(
    failure(`(s0) {\n x\n}\n${doubling.join('\n')}\n. {\n import s16\n}`),
    /more than 10000 imports/,
  );
  const nested = `. {\n${'a {\n'.repeat(70)}`;
  assert.match(failure(nested), /blocks nest more than 64 deep/);
});

test('any text parses or fails with a CorefileError', () => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '{}',
      '"',
      '\\',
      '\\"',
      '\n',
      '\r\n',
      ' ',
      '#',
      ',',
      '(a)',
      'import',
      'a',
      '{$A}',
      '{%A%}',
      '.',
      '*',
    ],
  );
  const text = fc.oneof(
    fc.array(piece).map((pieces) => pieces.join('')),
    fc.array(piece).map((pieces) => pieces.join(' ')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(text, text, (main, imported) => {
      try {
        parse(main, { 'etc/a': imported }, { A: imported });
      } catch (error) {
        assert(error instanceof CorefileError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('a Corefile of more words than there may be is an error', () => {
  const words = `(s) {\n${`x${' y'.repeat(999)}\n`.repeat(100)}}\n`;
  const imports = (count: number) => `${words}. {\n${' import s\n'.repeat(count)}}`;
  assert.equal(parse(imports(8)).length, 1);
  assert.match(failure(imports(9)), /the Corefile holds more than 1000000 words/);
});
