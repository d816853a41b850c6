/**
 * Compiles a small C client for a test, against glibc (`cc`) or musl (`musl-gcc`). A compiler that is missing or
 * refuses is an error with what it printed.
 */
import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

export type Compiler = 'cc' | 'musl-gcc';

/** The path of the program in `directory`; warnings are errors. musl is linked in, so its programs need no loader. */
export async function compile(
  source: string,
  compiler: Compiler,
  directory: string,
): Promise<string> {
  const program = join(directory, `${basename(source, '.c')}-${compiler}`);
  const link = compiler === 'musl-gcc' ? ['-static'] : [];
  await promisify(execFile)(compiler, [
    '-std=c11',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    ...link,
    '-o',
    program,
    source,
  ]);
  return program;
}
