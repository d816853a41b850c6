/**
 * A file whose contents count while the daemon runs, looked at again and again as CoreDNS does: at once when it is opened, then
 * every so often. It is read where its time or size is another; what it said before stays where it cannot be read.
 */
import { readFileSync, statSync } from 'node:fs';

/** Larger ones are refused: a list of a million blocked names has some 30 MB. */
export const FILE_SIZE_MAX = 64 * 2 ** 20;

export type FileFailure =
  | { readonly code: 'missing' }
  | { readonly code: 'unreadable'; readonly reason: string }
  | { readonly code: 'too_large'; readonly bytes: number };

export interface PolledFileOptions {
  readonly path: string;
  /** 0: only at the start. */
  readonly intervalMs: number;
  /** The whole text, whenever it is another one; `changedAtMs` is the file's modification time (wall clock). */
  readonly onText: (text: string, changedAtMs: number) => void;
  /** Once for each kind of failure in a row. */
  readonly onFailure: (failure: FileFailure) => void;
}

export class PolledFile {
  readonly #options: PolledFileOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #seen = '';
  #failed: FileFailure['code'] | undefined;

  constructor(options: PolledFileOptions) {
    this.#options = options;
    this.look();
    if (options.intervalMs === 0) return;
    this.#timer = setInterval(() => this.look(), options.intervalMs);
    this.#timer.unref();
  }

  /** Reads the file if it has changed. */
  look(): void {
    const { path, onText } = this.#options;
    try {
      const { mtimeMs, size } = statSync(path);
      const seen = `${mtimeMs} ${size}`;
      if (seen === this.#seen) return;
      if (size > FILE_SIZE_MAX) {
        this.#fail({ code: 'too_large', bytes: size });
        return;
      }
      const text = readFileSync(path, 'utf8');
      this.#seen = seen;
      this.#failed = undefined;
      onText(text, mtimeMs);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // An error of `onText` is no failure of the file.
      if (code === undefined) throw error;
      this.#fail(code === 'ENOENT' ? { code: 'missing' } : { code: 'unreadable', reason: message });
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #fail(failure: FileFailure): void {
    const isNew = failure.code !== this.#failed;
    this.#failed = failure.code;
    if (isNew) this.#options.onFailure(failure);
  }
}

export function fileFailureText(failure: FileFailure): string {
  if (failure.code === 'missing') return 'no such file';
  if (failure.code === 'unreadable') return failure.reason;
  return `${failure.bytes} octets, where ${FILE_SIZE_MAX} are the most`;
}
