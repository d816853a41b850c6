/**
 * The lease as nf_tables keeps it: elements of a set that expire by themselves. Written over netlink, or by `nft` where koffi
 * cannot load; for one renewal of two addresses that is 40 us, and 4 ms of CPU time (bench/micro/host-lease.bench.ts).
 */
import type { Clock } from '../base/clock.ts';
import { addressOctets } from '../base/ip-address.ts';
import { errnoName, SystemCallError } from '../os/errno.ts';
import type { Libc } from '../os/libc.ts';
import { NfnetlinkSocket } from '../os/nfnetlink.ts';
import type { SetElement } from '../os/nfnetlink-message.ts';
import type { Run } from './command.ts';
import type { HostFailure } from './failure.ts';
import { LEASE_S } from './interception.ts';
import { endText, leaseSet, renewText, TABLE } from './nft-text.ts';
import { familyOf } from './rules.ts';
import { SharedLease } from './shared-lease.ts';

const COMMAND = 'renewal of the lease';
/** Expiry is told in jiffies, of which there may be 100 a second: two readings of one differ by up to two of them. */
const STAMP_TOLERANCE_MS = 25;

export interface NftLeaseDependencies {
  readonly libc: Libc | Error;
  readonly run: Run;
  readonly clock: Clock;
}

export class NftLease {
  readonly #libc: Libc | undefined;
  readonly #run: Run;
  readonly #clock: Clock;
  readonly #shared = new SharedLease(STAMP_TOLERANCE_MS);
  #socket: NfnetlinkSocket | undefined;

  constructor({ libc, run, clock }: NftLeaseDependencies) {
    this.#libc = libc instanceof Error ? undefined : libc;
    this.#run = run;
    this.#clock = clock;
  }

  /** For LEASE_S seconds, or for good where sets have no time-outs here; fails where the table is not there. */
  async renew(addresses: readonly string[], hasLease: boolean): Promise<HostFailure | undefined> {
    if (addresses.length === 0) return undefined;
    const socket = this.#open();
    if (socket instanceof SystemCallError) return failureOf(socket.code);
    if (socket === undefined) {
      const outcome = await this.#run(
        'nft',
        ['-f', '-'],
        renewText(addresses, hasLease ? LEASE_S : undefined),
      );
      return outcome.ok ? undefined : outcome.failure;
    }
    this.#lookForOthers(socket, addresses);
    const elements = addresses.map(elementOf);
    const errno = socket.renew(elements, hasLease ? LEASE_S * 1000 : undefined);
    if (errno !== 0) return failureOf(errnoName(errno));
    for (const address of addresses) {
      this.#shared.renewed(address, this.#clock.nowMs() + LEASE_S * 1000);
    }
    return undefined;
  }

  /** A lease that is out already is no failure. */
  async end(addresses: readonly string[]): Promise<HostFailure | undefined> {
    const socket = this.#open();
    if (socket instanceof SystemCallError) return failureOf(socket.code);
    if (socket === undefined) {
      const outcome = await this.#run('nft', ['-f', '-'], endText(addresses));
      return outcome.ok ? undefined : outcome.failure;
    }
    const errno = socket.delete(addresses.map(elementOf));
    return errno === 0 ? undefined : failureOf(errnoName(errno));
  }

  /** Whether another process renews it too. */
  isShared(addresses: readonly string[]): boolean {
    const socket = this.#open();
    if (socket instanceof NfnetlinkSocket) this.#lookForOthers(socket, addresses);
    return this.#shared.isShared(this.#clock.nowMs());
  }

  /** How long ago each was renewed, by whomever; those whose lease is out are left out. */
  agesMs(addresses: readonly string[]): ReadonlyMap<string, number> {
    const ages = new Map<string, number>();
    const socket = this.#open();
    if (!(socket instanceof NfnetlinkSocket)) return ages;
    for (const address of addresses) {
      const expiresInMs = socket.expiresInMs(elementOf(address));
      if (expiresInMs !== undefined) ages.set(address, LEASE_S * 1000 - expiresInMs);
    }
    return ages;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #lookForOthers(socket: NfnetlinkSocket, addresses: readonly string[]): void {
    for (const address of addresses) {
      const expiresInMs = socket.expiresInMs(elementOf(address));
      const nowMs = this.#clock.nowMs();
      const stamp = expiresInMs === undefined ? undefined : nowMs + expiresInMs;
      this.#shared.look(address, stamp, nowMs);
    }
  }

  #open(): NfnetlinkSocket | SystemCallError | undefined {
    if (this.#libc === undefined || this.#socket) return this.#socket;
    try {
      this.#socket = NfnetlinkSocket.open(this.#libc);
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
