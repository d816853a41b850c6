/**
 * Keeps the interface as it should be: what somebody else takes away is back in the same turn of the loop that tells of it, and
 * at the latest at the next look. Failures are counted and logged, and tried again.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { failureText } from '../host/failure.ts';
import type { LinkFailure, NodeLink } from '../host/link.ts';

/** As much of it as is needed here. */
export type Link = Pick<NodeLink, 'name' | 'ensure' | 'watch' | 'remove'>;

export interface LinkKeeperOptions {
  readonly link: Link;
  readonly log: Log;
  readonly clock: Clock;
  readonly count: (errorType: LinkFailure['errorType']) => void;
}

/** Two programs that undo each other's work must not keep this node busy. */
const REPAIR_PAUSE_MS = 100;

export class LinkKeeper {
  readonly #options: LinkKeeperOptions;
  #addresses: readonly string[] = [];
  #stop = () => {};
  #timer: NodeJS.Timeout | undefined;
  #repairedAtMs = Number.NEGATIVE_INFINITY;
  /** What failed at the last look: the same is logged once. */
  #complaint = '';
  #isClosed = false;

  constructor(options: LinkKeeperOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.link.name;
  }

  /** Sees that the interface has these addresses, and from now on that it keeps them. */
  have(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.look();
  }

  /** From now on changes by others are seen as they happen. */
  watch(): void {
    const { link, log } = this.#options;
    const stop = link.watch(() => this.#repairSoon());
    if (typeof stop === 'function') this.#stop = stop;
    else log.warn(`changes of ${link.name} are seen at the next look only: ${failureText(stop)}`);
  }

  /** Adds what is missing. */
  look(): void {
    const { link, log } = this.#options;
    const wanted = link.name;
    const { isCreated, added, failures } = link.ensure(this.#addresses);
    if (link.name !== wanted) {
      log.info(`this kernel has no dummy devices: the addresses of ${wanted} go on ${link.name}`);
    }
    // node-cache's words, which operators look for.
    if (isCreated) log.info(`Added interface - ${link.name}`);
    if (added.length > 0) log.info(`Added to ${link.name}: ${added.join(', ')}`);
    this.#tell(failures);
  }

  /** Keeps it no more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stop();
  }

  /** Takes the addresses away, and the interface where it is ours. */
  remove(): void {
    this.close();
    this.#tell(this.#options.link.remove(this.#addresses));
  }

  #repairSoon(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    const dueInMs = this.#repairedAtMs + REPAIR_PAUSE_MS - this.#options.clock.nowMs();
    if (dueInMs <= 0) {
      this.#repair();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#repair();
    }, dueInMs).unref();
  }

  #repair(): void {
    this.#repairedAtMs = this.#options.clock.nowMs();
    this.look();
  }

  #tell(failures: readonly LinkFailure[]): void {
    for (const { errorType } of failures) this.#options.count(errorType);
    const complaint = failures.map(({ failure }) => failureText(failure)).join('; ');
    if (complaint !== '' && complaint !== this.#complaint) {
      this.#options.log.error(`interface ${this.#options.link.name}: ${complaint}`);
    }
    this.#complaint = complaint;
  }
}
