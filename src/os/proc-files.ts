/** Files of /proc, as text; under another root in tests. What cannot be read is undefined: another kernel, another right. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export class ProcFiles {
  readonly root: string;

  constructor(root = '/proc') {
    this.root = root;
  }

  text(path: string): string | undefined {
    try {
      return readFileSync(join(this.root, path), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** The lines of a table, without its heading. */
  rows(path: string): readonly string[] {
    return (this.text(path) ?? '')
      .split('\n')
      .slice(1)
      .filter((line) => line.trim() !== '');
  }

  /** A file that holds one number, such as those under sys. */
  number(path: string): number | undefined {
    const text = this.text(path)?.trim();
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  }

  names(path: string): readonly string[] {
    try {
      return readdirSync(join(this.root, path));
    } catch {
      return [];
    }
  }

  link(path: string): string | undefined {
    try {
      return readlinkSync(join(this.root, path));
    } catch {
      return undefined;
    }
  }
}
