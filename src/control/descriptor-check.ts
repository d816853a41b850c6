/**
 * Tells the operator when the process has no file descriptor left: new TCP clients then wait to be accepted, and
 * what asks upstreams on a new socket fails. UDP clients are served as before.
 */
import { closeSync, openSync } from 'node:fs';
import type { Log } from '../base/log.ts';

/** Anything that can always be opened. */
const PATH = '/dev/null';

export class DescriptorCheck {
  readonly #log: Log;
  #isExhausted = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** To be called now and then: takes a descriptor and gives it back. */
  run(): void {
    const code = openAndClose();
    const isExhausted = code === 'EMFILE' || code === 'ENFILE';
    if (isExhausted === this.#isExhausted) return;
    this.#isExhausted = isExhausted;
    if (isExhausted) {
      this.#log.error(
        `${code}: no file descriptor is left, new TCP clients are not served; raise the limit (ulimit -n)`,
      );
    } else {
      this.#log.info('file descriptors are left again');
    }
  }
}

function openAndClose(): string | undefined {
  try {
    closeSync(openSync(PATH, 'r'));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
