/**
 * Where imported files (and, for `forward`, resolv.conf files) come from. Tests inject their own; `diskFiles` reads the
 * file system. A file that cannot be read is a value: whether that is an error is the asker's to say.
 */
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export type FileText =
  | { readonly code: 'read'; readonly text: string }
  | { readonly code: 'failed'; readonly reason: string };

export interface FileSource {
  /** A path that is not absolute is taken from the working directory. */
  read(path: string): FileText;
  /** The plain files that match, sorted; `*` and `?` match within one step of the path, dot files too. */
  glob(pattern: string): readonly string[];
}

export const diskFiles: FileSource = {
  read(path) {
    try {
      return { code: 'read', text: readFileSync(path, 'utf8') };
    } catch (error) {
      return { code: 'failed', reason: (error as Error).message };
    }
  },
  /**
   * Folders are left out: a mounted ConfigMap holds `..data` beside its files. What cannot be looked into does not match,
   * as in Go's filepath.Glob.
   */
  glob(pattern) {
    let paths = [pattern.startsWith('/') ? '/' : '.'];
    for (const step of pattern.split('/').filter((part) => part !== '')) {
      paths = /[*?]/.test(step)
        ? paths.flatMap((path) => entriesMatching(path, step))
        : paths.map((path) => join(path, step));
    }
    return paths.filter((path) => kindOf(path) === 'file').sort();
  },
};

function entriesMatching(path: string, step: string): string[] {
  if (kindOf(path) !== 'folder') return [];
  const source = step
    .replace(/[^*?\w]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const matcher = new RegExp(`^${source}$`, 's');
  return readdirSync(path)
    .filter((name) => matcher.test(name))
    .map((name) => join(path, name));
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    const status = statSync(path);
    if (status.isFile()) return 'file';
    accessSync(path, constants.R_OK);
    return status.isDirectory() ? 'folder' : undefined;
  } catch {
    return undefined;
  }
}
