/**
 * Keeps the rules of interception as they should be: installed, and repaired when the kernel tells that somebody changed
 * them, or at the next look. Failures are counted and logged, and tried again.
 */
import type { Log } from '../base/log.ts';
import { failureText, type HostFailure, rulesErrorType } from '../host/failure.ts';
import type { Interception } from '../host/interception.ts';

export interface RulesKeeperOptions {
  readonly rules: Interception;
  readonly log: Log;
  readonly count: (errorType: 'iptables' | 'iptables_lock') => void;
}

export class RulesKeeper {
  readonly rules: Interception;
  readonly #options: RulesKeeperOptions;
  #stop = () => {};
  #repairing: Promise<void> | undefined;
  #isRepairDue = false;
  #isClosed = false;
  /** What failed last: the same is logged once. */
  #complaint = '';

  constructor(options: RulesKeeperOptions) {
    this.#options = options;
    this.rules = options.rules;
  }

  /** False where nothing of it stands. */
  async install(): Promise<boolean> {
    const { rules } = this;
    const failures = await rules.install();
    for (const loss of rules.losses) this.#options.log.warn(`interception: ${loss}`);
    this.tell(...failures);
    if (failures.length === 0) return true;
    const { addresses } = await rules.describe();
    return addresses.some(({ rulesPresent }) => rulesPresent > 0);
  }

  /** From now on changes by others are seen as they happen. */
  watch(): void {
    this.#stop = this.rules.watch(() => void this.look());
  }

  /** Puts back what is missing; one look at a time, and one more after it where something happened meanwhile. */
  look(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isRepairDue = true;
    this.#repairing ??= this.#repair().finally(() => {
      this.#repairing = undefined;
    });
    return this.#repairing;
  }

  /** Keeps them no more; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await this.#repairing;
  }

  /** Ends the lease: new queries go to kube-dns. `isAlone`: nobody else serves. */
  async withdraw(isAlone: boolean): Promise<void> {
    this.tell(...(await this.rules.withdraw(isAlone)));
  }

  async remove(isAlone: boolean): Promise<void> {
    this.tell(...(await this.rules.remove(isAlone)));
  }

  tell(...failures: readonly HostFailure[]): void {
    for (const failure of failures) this.#options.count(rulesErrorType(failure));
    const complaint = failures.map(failureText).join('; ');
    if (complaint !== '' && complaint !== this.#complaint) {
      this.#options.log.error(`interception: ${complaint}`);
    }
    this.#complaint = complaint;
  }

  async #repair(): Promise<void> {
    const { log } = this.#options;
    while (this.#isRepairDue && !this.#isClosed) {
      this.#isRepairDue = false;
      const { restored, removed, failures } = await this.rules.ensure();
      // node-cache's words, which operators look for.
      if (restored > 0)
        log.info(`Added back nodelocaldns rule - ${restored} of ${this.rules.kind}`);
      if (removed > 0) log.info(`Removed ${removed} rules that were there twice or outdated`);
      this.tell(...failures);
    }
  }
}
