/**
 * The end, in an order in which no query is lost: clients go elsewhere, what is under way is answered, then what they were sent
 * to us by is taken away. It is the same for a signal, a fatal error and an exception that nobody caught; it happens once, and
 * a budget bounds it.
 *
 *   withdraw -> lame duck (where the Corefile says so) -> drain -> remove -> exit
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../base/log.ts';

export interface EndingSteps {
  /** Not ready any more. */
  announce(): void;
  /** Ends interception: new queries go to kube-dns. */
  withdraw(): Promise<void>;
  /** Answers what is under way, within this time, and closes the sockets. */
  drain(graceMs: number): Promise<void>;
  /** Takes rules and addresses away. */
  remove(): Promise<void>;
}

export interface EndingOptions {
  readonly log: Log;
  readonly steps: EndingSteps;
  /** Of all but lame duck; then the process ends as it is. */
  readonly budgetMs: number;
  readonly lameduckMs: () => number;
  readonly exit: (code: number) => void;
}

/** Parts of the budget: what the withdrawal may take, what answers under way get, and when the removal begins at the latest. */
const WITHDRAW_SHARE = 0.3;
const GRACE_SHARE = 0.6;
const DRAIN_SHARE = 0.7;

export class Ending {
  readonly #options: EndingOptions;
  #exitCode: number | undefined;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  get hasBegun(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Ends in order. Of several calls the first counts, but a failure among them shows in the exit code. */
  async begin(exitCode: number, { isLame }: { readonly isLame: boolean }): Promise<void> {
    if (this.hasBegun) {
      this.#exitCode ||= exitCode;
      return;
    }
    this.#exitCode = exitCode;
    const { log, steps, budgetMs, lameduckMs, exit } = this.#options;
    steps.announce();
    await this.#within(budgetMs * WITHDRAW_SHARE, 'withdrawing', () => steps.withdraw());
    if (isLame) await pause(lameduckMs());
    const deadline = setTimeout(() => {
      log.error(`the end took more than ${budgetMs} ms: some of it is left undone`);
      exit(this.#exitCode ?? exitCode);
    }, budgetMs);
    const graceMs = budgetMs * GRACE_SHARE;
    await this.#within(budgetMs * DRAIN_SHARE, 'draining', () => steps.drain(graceMs));
    await this.#within(budgetMs, 'removing', () => steps.remove());
    clearTimeout(deadline);
    exit(this.#exitCode);
  }

  /** Ends without waiting for answers, by a code of its own; what others would stumble over is still taken away. */
  async force(exitCode: number): Promise<void> {
    const { steps, budgetMs, exit } = this.#options;
    this.#exitCode = exitCode;
    await this.#within(budgetMs * WITHDRAW_SHARE, 'withdrawing', () => steps.withdraw());
    await this.#within(budgetMs * (1 - DRAIN_SHARE), 'removing', () => steps.remove());
    exit(exitCode);
  }

  /** A step that fails or takes too long does not keep the next from its turn. */
  async #within(timeoutMs: number, what: string, step: () => Promise<void>): Promise<void> {
    const timer = new AbortController();
    const late = pause(timeoutMs, 'late', { signal: timer.signal }).catch(() => undefined);
    try {
      if ((await Promise.race([step(), late])) === 'late') {
        this.#options.log.warn(`${what} took more than ${Math.round(timeoutMs)} ms`);
      }
    } catch (error) {
      this.#options.log.error(`${what} failed: ${(error as Error).stack ?? String(error)}`);
    } finally {
      timer.abort();
    }
  }
}
