/**
 * The lease as xt_recent keeps it: a list of addresses with the time of their last renewal, at /proc/net/xt_recent/NAME. It is
 * there as long as a rule names it, in each network namespace its own. The file takes `+ADDRESS` and `-ADDRESS`, one a write,
 * and only at its beginning, so it is opened each time: 9 us together (bench/lease.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { addressOctets, addressText } from '../base/ip-address.ts';
import type { HostFailure } from './failure.ts';
import { RENEW_EVERY_MS } from './interception.ts';
import { type Family, familyOf } from './rules.ts';
import { SharedLease, type Stamp } from './shared-lease.ts';

const DIRECTORY = '/proc/self/net/xt_recent';
/** The list's times are jiffies since some time ago, so an age is what passes between two changes. */
const LOOK_EVERY_MS = 50;

export class RecentLease {
  readonly #lists: Readonly<Record<Family, string>>;
  readonly #clock: Clock;
  /** Two readings of one time are equal. */
  readonly #shared = new SharedLease(0);
  /** The last renewal's time is known to `#shared`. */
  #isMarked = false;

  /** `lists`: the name of each family's list. */
  constructor(lists: Readonly<Record<Family, string>>, clock: Clock) {
    this.#lists = lists;
    this.#clock = clock;
  }

  /** Fails where no rule names the list. */
  renew(addresses: readonly string[]): HostFailure | undefined {
    // Reading costs as much as writing: what the own renewal left is read at one, and compared before the next.
    const isMarked = this.#isMarked;
    if (isMarked) this.#lookForOthers(addresses);
    this.#isMarked = !isMarked;
    try {
      for (const address of addresses) this.#write('+', address);
    } catch (error) {
      return failureOf(error as NodeJS.ErrnoException);
    }
    if (isMarked) return undefined;
    const stamps = this.#stamps();
    for (const address of addresses) this.#shared.renewed(address, exactly(stamps.get(address)));
    return undefined;
  }

  /** Where no rule names the list there is no lease to end. */
  end(addresses: readonly string[]): HostFailure | undefined {
    try {
      for (const address of addresses) {
        this.#write('-', address);
        this.#shared.renewed(address, undefined);
      }
      // Whoever is in the list from now on was put there by another.
      this.#isMarked = true;
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? undefined : failureOf(error as NodeJS.ErrnoException);
    }
  }

  /** Whether another process renews it too. */
  isShared(addresses: readonly string[]): boolean {
    if (this.#isMarked) this.#lookForOthers(addresses);
    return this.#shared.isShared(this.#clock.nowMs());
  }

  /** How long ago each was renewed, by whomever; those without renewal within one period are left out. */
  async agesMs(addresses: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const first = this.#stamps();
    const seenAtMs = new Map<string, number>();
    const endMs = this.#clock.nowMs() + RENEW_EVERY_MS + 2 * LOOK_EVERY_MS;
    while (this.#clock.nowMs() < endMs && seenAtMs.size < addresses.length) {
      await pause(LOOK_EVERY_MS);
      const stamps = this.#stamps();
      for (const address of addresses) {
        const stamp = stamps.get(address);
        const isNew = stamp !== undefined && stamp !== first.get(address);
        if (isNew && !seenAtMs.has(address)) seenAtMs.set(address, this.#clock.nowMs());
      }
    }
    const nowMs = this.#clock.nowMs();
    return new Map([...seenAtMs].map(([address, atMs]) => [address, nowMs - atMs]));
  }

  #lookForOthers(addresses: readonly string[]): void {
    const stamps = this.#stamps();
    const nowMs = this.#clock.nowMs();
    for (const address of addresses) {
      this.#shared.look(address, exactly(stamps.get(address)), nowMs);
    }
  }

  /** Each address with the time of its last renewal; empty where there is no list. */
  #stamps(): ReadonlyMap<string, number> {
    const stamps = new Map<string, number>();
    const text = `${this.#read(4)}${this.#read(6)}`;
    for (const [, host, stamp] of text.matchAll(/^src=(\S+) .*last_seen: (\d+)/gm)) {
      const octets = addressOctets(host!);
      if (octets) stamps.set(addressText(octets), Number(stamp));
    }
    return stamps;
  }

  #read(family: Family): string {
    try {
      return readFileSync(`${DIRECTORY}/${this.#lists[family]}`, 'latin1');
    } catch {
      return '';
    }
  }

  #write(sign: '+' | '-', address: string): void {
    const path = `${DIRECTORY}/${this.#lists[familyOf(address)]}`;
    writeFileSync(path, `${sign}${address}\n`, { flag: 'r+' });
  }
}

function exactly(jiffies: number | undefined): Stamp | undefined {
  return jiffies === undefined ? undefined : { earliest: jiffies, latest: jiffies };
}

function failureOf({ code = '', message }: NodeJS.ErrnoException): HostFailure {
  const command = 'renewal of the lease';
  return { code: 'command_failed', command, detail: code === '' ? message : `${code}: ${message}` };
}
