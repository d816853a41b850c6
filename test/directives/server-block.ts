/** Reads one server block from text, for the tests of this room. */
import assert from 'node:assert/strict';
import { CorefileError } from '../../src/corefile/ast.ts';
import type { FileText } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { readServerBlocks, type ServerConfig } from '../../src/directives/server-config.ts';

/** The settings of a Corefile; `files` are the texts of the files that it may read. */
export function configsOf(
  corefile: string,
  files: Record<string, string> = {},
  warnings: string[] = [],
): ServerConfig[] {
  const read = (path: string): FileText => {
    const text = files[path];
    return text === undefined ? { code: 'failed', reason: 'no such file' } : { code: 'read', text };
  };
  const blocks = parseCorefile(corefile, {
    file: 'Corefile',
    environment: {},
    files: { read, glob: () => [] },
  });
  return readServerBlocks(blocks, {
    defaultPort: 53,
    files: { read },
    warn: ({ directive, at, problem }) =>
      warnings.push(`${at.line}:${at.column} ${directive}: ${problem}`),
  });
}

/** The settings of a block for `.` that holds `lines`, which begin on line 2. */
export function configOf(
  lines: string,
  files: Record<string, string> = {},
  warnings: string[] = [],
): ServerConfig {
  return configsOf(`. {\n${lines}\n}\n`, files, warnings)[0]!;
}

/** The message of the error that a Corefile causes. */
export function failureOfFile(corefile: string, files: Record<string, string> = {}): string {
  try {
    configsOf(corefile, files);
  } catch (error) {
    assert(error instanceof CorefileError, String(error));
    return error.message;
  }
  return assert.fail(`no error for ${corefile}`);
}

/** The message of the error that `lines` cause in a block for `.`. */
export function failureOf(lines: string, files: Record<string, string> = {}): string {
  return failureOfFile(`. {\n${lines}\n}\n`, files);
}
