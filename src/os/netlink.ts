/**
 * Links, addresses and routes of this network namespace through rtnetlink(7), in place of the `ip` program. The kernel handles a request
 * within the `write` that brings it, so the answer is there for the next `read`: everything here is synchronous, and a change takes
 * some tens of microseconds. Failures are SystemCallErrors with the kernel's own error number.
 */
import { ERRNO, isSystemCallError, SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import {
  type AddressState,
  decodeAddress,
  decodeLink,
  decodeMessages,
  decodeRouteSource,
  encodeAddress,
  encodeAddressDump,
  encodeLink,
  encodeLocalRoute,
  encodeMessage,
  encodeRouteQuestion,
  errnoOf,
  type LinkState,
  type LocalRoute,
  MESSAGE,
  MESSAGE_FLAG,
  type NetlinkMessage,
} from './netlink-message.ts';

const REQUEST_SIZE_MAX = 256;
/** The kernel fills at most 32 KiB a read of a dump (netlink_dump). */
const REPLY_SIZE_MAX = 64 * 1024;
/** Longer than IFNAMSIZ - 1 the kernel refuses anyway; our request has a bound of its own. */
const LINK_NAME_SIZE_MAX = 15;
/** Reads for one request: 32 MiB of a dump, some 400,000 addresses. */
const READS_MAX = 1024;

export class Netlink {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #request: Pinned;
  readonly #reply: Pinned;
  #sequence = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    const type = OS.SOCK_RAW | OS.SOCK_NONBLOCK | OS.SOCK_CLOEXEC;
    this.#fd = libc.socket(OS.AF_NETLINK, type, OS.NETLINK_ROUTE);
    if (this.#fd < 0) throw new SystemCallError('socket(AF_NETLINK)', libc.errno());
    this.#request = new Pinned(libc, REQUEST_SIZE_MAX);
    this.#reply = new Pinned(libc, REPLY_SIZE_MAX);
  }

  /** Undefined where there is none of that name. */
  findLink(name: string): LinkState | undefined {
    const body = encodeLink({ name: checkedName(name) });
    try {
      const [found] = this.#ask(`find link ${name}`, MESSAGE.GET_LINK, 0, body);
      return found && decodeLink(found);
    } catch (error) {
      if (isSystemCallError(error, 'ENODEV')) return undefined;
      throw error;
    }
  }

  /** ENOTSUP or EOPNOTSUPP (they are one number): this kernel has no such kind. EEXIST: there is a link of that name. */
  createLink(name: string, kind: string): void {
    const flags = MESSAGE_FLAG.CREATE | MESSAGE_FLAG.EXCLUSIVE;
    const body = encodeLink({ name: checkedName(name), kind });
    this.#ask(`create ${kind} link ${name}`, MESSAGE.NEW_LINK, flags, body);
  }

  setLinkUp(index: number): void {
    this.#ask(`set link ${index} up`, MESSAGE.NEW_LINK, 0, encodeLink({ index, isUp: true }));
  }

  /** Its addresses go with it. */
  deleteLink(index: number): void {
    this.#ask(`delete link ${index}`, MESSAGE.DELETE_LINK, 0, encodeLink({ index }));
  }

  /** EEXIST where it is there. */
  addAddress(address: AddressState): void {
    const flags = MESSAGE_FLAG.CREATE | MESSAGE_FLAG.EXCLUSIVE;
    const what = `add address ${textOf(address)}`;
    this.#ask(what, MESSAGE.NEW_ADDRESS, flags, encodeAddress(address));
  }

  /** EADDRNOTAVAIL where it is not there. */
  deleteAddress(address: AddressState): void {
    const what = `delete address ${textOf(address)}`;
    this.#ask(what, MESSAGE.DELETE_ADDRESS, 0, encodeAddress(address));
  }

  /** Of every link. */
  addresses(): AddressState[] {
    const body = encodeAddressDump();
    return this.#ask('list addresses', MESSAGE.GET_ADDRESS, MESSAGE_FLAG.DUMP, body)
      .filter(({ type }) => type === MESSAGE.NEW_ADDRESS)
      .flatMap((message) => decodeAddress(message) ?? []);
  }

  /** What a client of this machine gets as its source toward an address; undefined where the kernel refuses: no way leads there. */
  sourceToward(address: string): string | undefined {
    const body = encodeRouteQuestion(address);
    try {
      const [route] = this.#ask(`route to ${address}`, MESSAGE.GET_ROUTE, 0, body);
      return route && decodeRouteSource(route);
    } catch (error) {
      if (error instanceof SystemCallError) return undefined;
      throw error;
    }
  }

  /** In front of the others to this address (IPv4), or behind that of the kernel (IPv6). EEXIST where it is there. */
  addLocalRoute(route: LocalRoute): void {
    const what = `add local route to ${route.address}`;
    this.#ask(what, MESSAGE.NEW_ROUTE, MESSAGE_FLAG.CREATE, encodeLocalRoute(route));
  }

  /** In place of the first to this address that a program made, or as a new one. */
  replaceLocalRoute(route: LocalRoute): void {
    const flags = MESSAGE_FLAG.CREATE | MESSAGE_FLAG.REPLACE;
    const what = `replace local route to ${route.address}`;
    this.#ask(what, MESSAGE.NEW_ROUTE, flags, encodeLocalRoute(route));
  }

  /** ESRCH where it is not there. */
  deleteLocalRoute(route: LocalRoute): void {
    const what = `delete local route to ${route.address}`;
    this.#ask(what, MESSAGE.DELETE_ROUTE, 0, encodeLocalRoute(route));
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  /** Sends a request and gives what comes before its acknowledgement; throws where the kernel refuses. */
  #ask(what: string, type: number, flags: number, body: Uint8Array): NetlinkMessage[] {
    const sequence = ++this.#sequence;
    const all = MESSAGE_FLAG.REQUEST | MESSAGE_FLAG.ACK | flags;
    const octets = encodeMessage(type, all, sequence, body);
    this.#request.octets.set(octets);
    if (this.#libc.write(this.#fd, this.#request.address, octets.length) < 0) {
      throw new SystemCallError(what, this.#libc.errno());
    }
    const answers: NetlinkMessage[] = [];
    for (let reads = 0; reads < READS_MAX; reads++) {
      for (const message of this.#read(what)) {
        // What is left of a request that failed half way.
        if (message.sequence !== sequence) continue;
        if (message.type === MESSAGE.DONE) return answers;
        if (message.type !== MESSAGE.ERROR) answers.push(message);
        else if (errnoOf(message) === 0) return answers;
        else throw new SystemCallError(what, errnoOf(message));
      }
    }
    throw new SystemCallError(what, ERRNO.EMSGSIZE);
  }

  #read(what: string): NetlinkMessage[] {
    const size = this.#libc.read(this.#fd, this.#reply.address, REPLY_SIZE_MAX);
    if (size < 0) throw new SystemCallError(what, this.#libc.errno());
    return decodeMessages(this.#reply.octets.subarray(0, size));
  }
}

function checkedName(name: string): string {
  if (name === '' || name.length > LINK_NAME_SIZE_MAX) {
    throw new SystemCallError(`link name "${name}"`, ERRNO.EINVAL);
  }
  return name;
}

function textOf({ address, prefixLength, index }: AddressState): string {
  return `${address}/${prefixLength} at link ${index}`;
}
