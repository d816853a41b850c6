/**
 * The lease as nf_tables keeps it: elements of a set that expire by themselves. Written over netlink, or by `nft` where koffi
 * cannot load; for one renewal of two addresses that is 40 us, and 4 ms of CPU time (bench/lease.ts).
 */
import type { Clock } from '../base/clock.ts';
import { addressOctets } from '../base/ip-address.ts';
import { errnoName, SystemCallError } from '../os/errno.ts';
import type { Libc } from '../os/libc.ts';
import { NfnetlinkSocket } from '../os/nfnetlink.ts';
import { type Batch, renewalOf, type SetElement } from '../os/nfnetlink-message.ts';
import type { Run } from './command.ts';
import type { HostFailure } from './failure.ts';
import { LEASE_S } from './interception.ts';
import { endText, leaseSet, renewText, TABLE } from './nft-text.ts';
import { familyOf } from './rules.ts';
import { SharedLease, type Stamp } from './shared-lease.ts';

const COMMAND = 'renewal of the lease';
/** Expiry is told in jiffies, of which there may be 100 a second: two readings of one differ by up to two of them. */
const STAMP_TOLERANCE_MS = 25;

export interface NftLeaseDependencies {
  readonly libc: Libc | Error;
  readonly run: Run;
  readonly clock: Clock;
}

export class NftLease {
  readonly #addresses: readonly string[];
  readonly #libc: Libc | undefined;
  readonly #run: Run;
  readonly #clock: Clock;
  readonly #shared = new SharedLease(STAMP_TOLERANCE_MS);
  #socket: NfnetlinkSocket | undefined;
  /** The same octets each second. */
  #renewal: { readonly hasLease: boolean; readonly batch: Batch } | undefined;
  #renewalCount = 0;

  constructor(addresses: readonly string[], { libc, run, clock }: NftLeaseDependencies) {
    this.#addresses = addresses;
    this.#libc = libc instanceof Error ? undefined : libc;
    this.#run = run;
    this.#clock = clock;
  }

  /** For LEASE_S seconds, or for good where sets have no time-outs here; fails where the table is not there. */
  async renew(hasLease: boolean): Promise<HostFailure | undefined> {
    const socket = this.#open();
    if (socket instanceof SystemCallError) return failureOf(socket.code);
    if (socket === undefined) {
      return this.#command(renewText(this.#addresses, hasLease ? LEASE_S : undefined));
    }
    // One in turn is enough to see who renews all of them.
    const looked = this.#addresses[this.#renewalCount++ % this.#addresses.length];
    if (looked !== undefined) this.#lookForOthers(socket, looked);
    const beforeMs = this.#clock.nowMs();
    const errno = socket.commit(this.#renewalOf(hasLease));
    if (errno !== 0) return failureOf(errnoName(errno));
    const stamp = this.#endOf(LEASE_S * 1000, beforeMs);
    for (const address of this.#addresses) this.#shared.renewed(address, stamp);
    return undefined;
  }

  /** A lease that is out already is no failure. */
  async end(): Promise<HostFailure | undefined> {
    const socket = this.#open();
    if (socket instanceof SystemCallError) return failureOf(socket.code);
    if (socket === undefined) return this.#command(endText(this.#addresses));
    const errno = socket.delete(this.#addresses.map(elementOf));
    for (const address of this.#addresses) this.#shared.renewed(address, undefined);
    return errno === 0 ? undefined : failureOf(errnoName(errno));
  }

  /** Whether another process renews it too. */
  isShared(): boolean {
    const socket = this.#open();
    if (socket instanceof NfnetlinkSocket) {
      for (const address of this.#addresses) this.#lookForOthers(socket, address);
    }
    return this.#shared.isShared(this.#clock.nowMs());
  }

  /** How long ago each was renewed, by whomever; those whose lease is out are left out. */
  agesMs(): ReadonlyMap<string, number> {
    const ages = new Map<string, number>();
    const socket = this.#open();
    if (!(socket instanceof NfnetlinkSocket)) return ages;
    for (const address of this.#addresses) {
      const expiresInMs = socket.expiresInMs(elementOf(address));
      if (expiresInMs !== undefined) ages.set(address, LEASE_S * 1000 - expiresInMs);
    }
    return ages;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #lookForOthers(socket: NfnetlinkSocket, address: string): void {
    const beforeMs = this.#clock.nowMs();
    const expiresInMs = socket.expiresInMs(elementOf(address));
    const stamp = expiresInMs === undefined ? undefined : this.#endOf(expiresInMs, beforeMs);
    this.#shared.look(address, stamp, this.#clock.nowMs());
  }

  /** The end of what runs out so long after some moment between `beforeMs` and now. */
  #endOf(expiresInMs: number, beforeMs: number): Stamp {
    return { earliest: beforeMs + expiresInMs, latest: this.#clock.nowMs() + expiresInMs };
  }

  #renewalOf(hasLease: boolean): Batch {
    if (this.#renewal?.hasLease !== hasLease) {
      const timeoutMs = hasLease ? LEASE_S * 1000 : undefined;
      this.#renewal = { hasLease, batch: renewalOf(this.#addresses.map(elementOf), timeoutMs) };
    }
    return this.#renewal.batch;
  }

  async #command(text: string): Promise<HostFailure | undefined> {
    const outcome = await this.#run('nft', ['-f', '-'], text);
    return outcome.ok ? undefined : outcome.failure;
  }

  #open(): NfnetlinkSocket | SystemCallError | undefined {
    if (this.#libc === undefined || this.#socket) return this.#socket;
    try {
      this.#socket = new NfnetlinkSocket(this.#libc);
      return this.#socket;
    } catch (error) {
      return error as SystemCallError;
    }
  }
}

function elementOf(address: string): SetElement {
  return { table: TABLE, set: leaseSet(familyOf(address)), key: addressOctets(address)! };
}

function failureOf(code: string): HostFailure {
  if (code === 'EPERM' || code === 'EACCES') {
    return { code: 'permission', capability: 'NET_ADMIN', command: COMMAND };
  }
  return { code: 'command_failed', command: COMMAND, detail: code };
}
