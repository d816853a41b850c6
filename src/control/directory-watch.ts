/**
 * Tells when what a directory holds has changed: at once by inotify, which sees the kubelet's swap of `..data` as well as a plain
 * write, and by a look every ten seconds, node-cache's interval, where inotify is not available, lost its watch, or looks at a
 * directory that is not there yet. A burst of events is one look, once they pause; whether anything changed, what was read says.
 */
import { type FSWatcher, watch as fsWatch, statSync } from 'node:fs';
import type { Log } from '../base/log.ts';
import { readMountedFiles } from './mounted-files.ts';

const POLL_MS = 10_000;
/** A writer that writes in parts pauses for less; a person does not notice it. */
const QUIET_MS = 100;
/** Events that never pause are looked at all the same. */
const BURST_MAX_MS = 1000;

export interface DirectoryWatchOptions {
  readonly path: string;
  readonly log: Log;
  readonly changed: () => void;
  readonly pollMs?: number;
  /** Stands in for `fs.watch` in tests. */
  readonly watch?: typeof fsWatch;
}

export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  readonly #poll: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  /** Which directory is watched, by device and inode: another one may have taken its path. */
  #watched = '';
  /** What it had at the last look. */
  #octets: Buffer;
  #hasWarned = false;
  #quiet: NodeJS.Timeout | undefined;
  /** When the first event of the burst came. */
  #burstAt = 0;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
    this.#open();
    // After the watch is there, so that no change falls in between.
    this.#octets = readMountedFiles(options.path).octets;
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? POLL_MS);
    this.#poll.unref();
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#quiet);
    this.#watcher?.close();
  }

  #event(): void {
    const nowMs = performance.now();
    if (this.#quiet === undefined) this.#burstAt = nowMs;
    clearTimeout(this.#quiet);
    const leftMs = Math.max(0, this.#burstAt + BURST_MAX_MS - nowMs);
    this.#quiet = setTimeout(() => this.#look(), Math.min(QUIET_MS, leftMs));
  }

  #look(): void {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    if (identityOf(this.#options.path) !== this.#watched) this.#open();
    const { octets } = readMountedFiles(this.#options.path);
    if (octets.equals(this.#octets)) return;
    this.#octets = octets;
    this.#options.changed();
  }

  #open(): void {
    const { path, log, watch = fsWatch } = this.#options;
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = identityOf(path);
    if (this.#watched === '') return;
    try {
      const watcher = watch(path, { persistent: false }, () => this.#event());
      this.#watcher = watcher;
      watcher.on('error', (error) => this.#lose(watcher, error));
    } catch (error) {
      // No second try until the directory is another one: the limit of inotify is not of this process.
      if (!this.#hasWarned) {
        const every = `looked at every ${POLL_MS / 1000} s instead`;
        log.warn(`${path} cannot be watched (${(error as Error).message}): ${every}`);
      }
      this.#hasWarned = true;
    }
  }

  #lose(watcher: FSWatcher, error: Error): void {
    watcher.close();
    if (watcher !== this.#watcher) return;
    this.#options.log.debug(`the watch of ${this.#options.path} was lost: ${error.message}`);
    this.#watcher = undefined;
    this.#watched = '';
  }
}

/** Empty where there is no such directory. */
function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev} ${ino}`;
  } catch {
    return '';
  }
}
