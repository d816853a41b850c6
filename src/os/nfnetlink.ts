/**
 * The netfilter end of netlink, as far as a lease needs it: timed elements of nf_tables sets added, deleted and read, and word
 * of what others change. The kernel carries a batch out before `write` returns, so its answer is there to be read at once and
 * nothing ever waits: a renewal takes 40 us, where starting `nft` takes 4 ms of CPU time (bench/lease.ts).
 */
import { ERRNO, SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import { watchNetlink } from './netlink-watch.ts';
import {
  type Batch,
  batchOf,
  changeOf,
  errnosIn,
  expirationIn,
  type NftChange,
  request,
  type SetElement,
  setMessage,
} from './nfnetlink-message.ts';

const NETLINK_NETFILTER = 12;
/** nfnetlink_groups: NFNLGRP_NFTABLES is the seventh. */
const GROUP_NFTABLES = 1 << 6;
/** A batch for ten addresses; a larger one gets more. */
const SEND_SIZE = 4096;
/** What the kernel sends at most in one datagram to a reader that asks for no more. */
const RECEIVE_SIZE = 32_768;

/** Tells of every change to nf_tables, until the returned function is called; throws where the kernel has no nfnetlink. */
export function watchNftables(
  libc: Libc,
  { onChanges, onLoss }: { onChanges: (changes: NftChange[]) => void; onLoss: () => void },
): () => void {
  return watchNetlink(libc, {
    protocol: NETLINK_NETFILTER,
    groups: GROUP_NFTABLES,
    onMessages: (messages) => onChanges(messages.flatMap((message) => changeOf(message) ?? [])),
    onLoss,
  });
}

export class NfnetlinkSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  #out: Pinned;
  readonly #in: Pinned;

  /** Throws a SystemCallError where the kernel has no nfnetlink. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#out = new Pinned(libc, SEND_SIZE);
    this.#in = new Pinned(libc, RECEIVE_SIZE);
    const type = OS.SOCK_RAW | OS.SOCK_CLOEXEC | OS.SOCK_NONBLOCK;
    this.#fd = libc.socket(OS.AF_NETLINK, type, NETLINK_NETFILTER);
    if (this.#fd < 0) throw new SystemCallError('socket(AF_NETLINK)', libc.errno());
  }

  /** Carries a batch out; errno or 0. */
  commit(batch: Batch): number {
    const errno = this.#send(batch.octets);
    if (errno !== 0) return errno;
    for (const datagram of this.#received()) {
      // The first error ends the batch; the acknowledgement of the last message says that there was none.
      const [first] = errnosIn(datagram);
      if (first !== undefined) {
        this.#discard();
        return first;
      }
    }
    // Without any answer nothing is known to be done.
    return ERRNO.EAGAIN;
  }

  /** Takes elements out, each in a transaction of its own; one that is not there is no error. Errno or 0. */
  delete(elements: readonly SetElement[]): number {
    const errnos = elements.map((element) => {
      return this.commit(batchOf([setMessage('DELSETELEM', element)]));
    });
    return errnos.find((errno) => errno !== 0 && errno !== ERRNO.ENOENT) ?? 0;
  }

  /** Milliseconds until the element expires; undefined where it is not there or does not expire. */
  expiresInMs(element: SetElement): number | undefined {
    this.#send(request(setMessage('GETSETELEM', element)));
    let expiresInMs: number | undefined;
    for (const datagram of this.#received()) expiresInMs ??= expirationIn(datagram);
    return expiresInMs;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #send(octets: Uint8Array): number {
    if (octets.length > this.#out.octets.length) this.#out = new Pinned(this.#libc, octets.length);
    this.#out.octets.set(octets);
    const sent = this.#libc.write(this.#fd, this.#out.address, octets.length);
    return sent < 0 ? this.#libc.errno() : 0;
  }

  /** What else there is to the answer: an error of each further message that failed. */
  #discard(): void {
    let isMore = true;
    while (isMore) isMore = this.#libc.read(this.#fd, this.#in.address, RECEIVE_SIZE) > 0;
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
