/**
 * The netfilter end of netlink, as far as a lease needs it: timed elements of nf_tables sets added, deleted and read, and word
 * of what others change. The kernel carries a batch out before `write` returns, so its answer is there to be read at once and
 * nothing ever waits: a renewal takes 40 us, where starting `nft` takes 4 ms of CPU time (bench/micro/host-lease.bench.ts).
 */
import { ERRNO, SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import {
  batchOf,
  changesIn,
  errnosIn,
  expirationIn,
  type NftChange,
  request,
  type SetElement,
  setMessage,
} from './nfnetlink-message.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;
/** nfnetlink_groups: NFNLGRP_NFTABLES is the seventh. */
const GROUP_NFTABLES = 1 << 6;

/** A batch for ten addresses; a larger one gets more. */
const SEND_SIZE = 4096;
/** What the kernel sends at most in one datagram to a reader that asks for no more. */
const RECEIVE_SIZE = 32_768;
/** Notifications read in one go; more means that somebody rewrites everything, and one look is as good as many. */
const CHANGES_MAX = 4096;

export class NfnetlinkSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  #out: Pinned;
  readonly #in: Pinned;
  #sequence = 1;

  /** Throws a SystemCallError where the kernel has no nfnetlink. */
  static open(libc: Libc): NfnetlinkSocket {
    return new NfnetlinkSocket(libc, 0);
  }

  /** A socket that only hears of changes to nf_tables. */
  static listen(libc: Libc): NfnetlinkSocket {
    return new NfnetlinkSocket(libc, GROUP_NFTABLES);
  }

  private constructor(libc: Libc, groups: number) {
    this.#libc = libc;
    this.#out = new Pinned(libc, SEND_SIZE);
    this.#in = new Pinned(libc, RECEIVE_SIZE);
    const type = SOCK_RAW | OS.SOCK_CLOEXEC | OS.SOCK_NONBLOCK;
    this.#fd = libc.socket(AF_NETLINK, type, NETLINK_NETFILTER);
    if (this.#fd < 0) throw new SystemCallError('socket', libc.errno());
    if (groups !== 0) this.#join(groups);
  }

  /** Adds elements for `timeoutMs` (undefined: for good) in one transaction; those that are there begin anew. Errno or 0. */
  renew(elements: readonly SetElement[], timeoutMs: number | undefined): number {
    // Before Linux 6.12 adding an element that is there does not renew it; deleting one that is not there fails.
    return this.#commit(
      elements.flatMap((element) => [
        setMessage('NEWSETELEM', element, timeoutMs),
        setMessage('DELSETELEM', element),
        setMessage('NEWSETELEM', element, timeoutMs),
      ]),
    );
  }

  /** Takes elements out, each in a transaction of its own; one that is not there is no error. Errno or 0. */
  delete(elements: readonly SetElement[]): number {
    const errnos = elements.map((element) => this.#commit([setMessage('DELSETELEM', element)]));
    return errnos.find((errno) => errno !== 0 && errno !== ERRNO.ENOENT) ?? 0;
  }

  /** Milliseconds until the element expires; undefined where it is not there or does not expire. */
  expiresInMs(element: SetElement): number | undefined {
    this.#send(request(setMessage('GETSETELEM', element), this.#sequence++));
    let expiresInMs: number | undefined;
    for (const datagram of this.#received()) expiresInMs ??= expirationIn(datagram);
    return expiresInMs;
  }

  /** What changed since the last call; undefined where there was more than is kept. */
  changes(): NftChange[] | undefined {
    const changes: NftChange[] = [];
    for (const datagram of this.#received()) {
      changes.push(...changesIn(datagram));
      if (changes.length > CHANGES_MAX) return undefined;
    }
    return this.#libc.errno() === ERRNO.ENOBUFS ? undefined : changes;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #join(groups: number): void {
    // struct sockaddr_nl: family:2, pad:2, port:4, groups:4
    const address = new Pinned(this.#libc, 12);
    address.words[0] = AF_NETLINK;
    address.words[2] = groups;
    if (this.#libc.bind(this.#fd, address.address, 12) < 0) {
      const errno = this.#libc.errno();
      this.close();
      throw new SystemCallError('bind', errno);
    }
  }

  /** The errno of the first message that failed; 0 when all are done. Nothing is done unless all are. */
  #commit(messages: readonly Uint8Array[]): number {
    const first = this.#sequence;
    this.#sequence += messages.length + 2;
    const errno = this.#send(batchOf(messages, first));
    if (errno !== 0) return errno;
    const errnos: number[] = [];
    for (const datagram of this.#received()) errnos.push(...errnosIn(datagram, first));
    // Without any answer nothing is known to be done.
    return errnos.find((each) => each !== 0) ?? errnos[0] ?? ERRNO.EAGAIN;
  }

  #send(octets: Uint8Array): number {
    if (octets.length > this.#out.octets.length) this.#out = new Pinned(this.#libc, octets.length);
    this.#out.octets.set(octets);
    const sent = this.#libc.write(this.#fd, this.#out.address, octets.length);
    return sent < 0 ? this.#libc.errno() : 0;
  }

  /** Datagrams until there are none; each is overwritten by the next. */
  *#received(): Generator<Uint8Array> {
    for (;;) {
      const size = this.#libc.read(this.#fd, this.#in.address, RECEIVE_SIZE);
      if (size <= 0) return;
      yield this.#in.octets.subarray(0, size);
    }
  }
}
