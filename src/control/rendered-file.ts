/**
 * The rendered Corefile on disk, for people and for the next start; the daemon itself serves what it has in memory. It appears by one
 * rename, so nobody reads half of it. Mode 0644: node-cache's 0666 less the usual umask, and nobody but the owner may write,
 * whatever the umask.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Problem } from '../rendering/problem.ts';

const MODE = 0o644;

export class RenderedFile {
  readonly path: string;
  #written: string | undefined;

  constructor(path: string) {
    this.path = path;
    this.#written = this.read();
  }

  /** What stands there; undefined where it cannot be read. */
  read(): string | undefined {
    try {
      return readFileSync(this.path, 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Puts `text` in its place, unless it stands there already; what keeps it from that is a value. */
  write(text: string): Problem | undefined {
    if (text === this.#written) return undefined;
    const fresh = join(dirname(this.path), `.${basename(this.path)}.${process.pid}`);
    try {
      writeFileSync(fresh, text, { mode: MODE, flush: true });
      renameSync(fresh, this.path);
    } catch (error) {
      rmSync(fresh, { force: true });
      const reason = (error as Error).message;
      return {
        kind: 'write',
        text: `${this.path}: the rendered Corefile stays in memory: ${reason}`,
      };
    }
    this.#written = text;
    return undefined;
  }
}
