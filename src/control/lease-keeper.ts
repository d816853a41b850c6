/**
 * Renews the lease of interception each second, as long as every responder thread makes progress: its loop has gone round since it
 * was prompted to, a second ago. Where one is stuck, or this thread is, nothing is renewed, and 3 s later the kernel sends pods to
 * kube-dns.
 */
import type { Clock } from '../base/clock.ts';
import { heartbeat } from '../base/heartbeat.ts';
import type { Log } from '../base/log.ts';
import { failureText, type HostFailure } from '../host/failure.ts';
import { LEASE_S, RENEW_EVERY_MS } from '../host/interception.ts';

export interface LeaseKeeperOptions {
  /** The rounds of each responder so far; none where this thread serves by itself. */
  readonly rounds: () => readonly number[];
  /** Has each of them go round once more, idle or not. */
  readonly prompt: () => void;
  readonly renew: () => Promise<HostFailure | undefined>;
  readonly onFailure: (failure: HostFailure) => void;
  readonly log: Log;
  readonly clock: Clock;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #stopTicking = () => {};
  #rounds: readonly number[] = [];
  #renewing: Promise<void> | undefined;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  /** What the log was told last; undefined: all is well. */
  #complaint: string | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Whether a renewal succeeded within the time that one holds. */
  get isHeld(): boolean {
    return this.#options.clock.nowMs() - this.#renewedAtMs < LEASE_S * 1000;
  }

  /** Renews at once, and resolves when that is done; then each second. */
  start(): Promise<void> {
    this.#look();
    this.#stopTicking = heartbeat.every(RENEW_EVERY_MS / 1000, () => this.#tick());
    return this.#renew();
  }

  /** Renews no more, once this resolves. */
  async stop(): Promise<void> {
    this.#stopTicking();
    await this.#renewing;
    this.#renewedAtMs = Number.NEGATIVE_INFINITY;
  }

  #tick(): void {
    const before = this.#rounds;
    this.#look();
    const stuck = this.#rounds.findIndex((count, index) => count === before[index]);
    if (stuck === -1) void this.#renew();
    else this.#complain(`responder ${stuck} makes no progress`);
  }

  #look(): void {
    this.#rounds = this.#options.rounds();
    this.#options.prompt();
  }

  /** One at a time: a renewal that takes longer than its period is not joined by another. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#options.renew().then((failure) => {
      this.#renewing = undefined;
      if (failure !== undefined) {
        this.#options.onFailure(failure);
        this.#complain(failureText(failure));
        return;
      }
      this.#renewedAtMs = this.#options.clock.nowMs();
      if (this.#complaint !== undefined)
        this.#options.log.info('interception: the lease is renewed');
      this.#complaint = undefined;
    });
    return this.#renewing;
  }

  /** Once for each reason, not each second. */
  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#options.log.error(
      `interception: the lease is not renewed, and ${LEASE_S} s later pods go to kube-dns: ${reason}`,
    );
  }
}
