/**
 * What source a client on the host has when it asks a served address: the one that it would have without us, the node's own address.
 * Left to the kernel it would be the served address itself, and when that goes with us, nothing that kube-dns still answers
 * comes back, and a socket that the client keeps is dead. So a route of our own to the address says the source.
 *
 *     before the address is added -> source toward it, by the node's routes -> route to the address, with that source
 *     the source is no address of the node any more -> the same route without a source: the kernel chooses
 *
 * Of two routes to an IPv4 address the newer one counts. To an IPv6 address the kernel's does, which is therefore deleted; the
 * kernel makes it some time after the address, and tells of the address then.
 */
import { isIPv6 } from 'node:net';
import { unless } from '../os/errno.ts';
import type { Netlink } from '../os/netlink.ts';
import {
  type AddressState,
  decodeAddress,
  MESSAGE,
  type NetlinkMessage,
  ROUTE_PROTOCOL,
} from '../os/netlink-message.ts';

export class SourceRoutes {
  /** By served address; one that has no source of its own is not in here. */
  readonly #sources = new Map<string, string>();

  /** To be called before the address is added; of one that is there, what a predecessor left is taken on. */
  learn(netlink: Netlink, address: string): void {
    if (this.#sources.has(address)) return;
    const source = netlink.sourceToward(address);
    if (source !== undefined && source !== address) this.#sources.set(address, source);
  }

  /** Sees that the routes to an address at this link are as they should be; `present` are the addresses of all links. */
  ensure(
    netlink: Netlink,
    { index, address }: Pick<AddressState, 'index' | 'address'>,
    present: readonly AddressState[],
  ): void {
    const source = this.#sources.get(address);
    if (source === undefined) return;
    const route = { index, address, protocol: ROUTE_PROTOCOL.STATIC };
    if (!present.some((other) => other.address === source)) {
      netlink.replaceLocalRoute(route);
      this.#sources.delete(address);
      return;
    }
    unless('EEXIST', () => netlink.addLocalRoute({ ...route, source }));
    const kernels = { address, protocol: ROUTE_PROTOCOL.KERNEL };
    if (isIPv6(address)) unless('ESRCH', () => netlink.deleteLocalRoute(kernels));
  }

  /** Takes the route to an address away. */
  remove(netlink: Netlink, address: string): void {
    this.#sources.delete(address);
    const route = { address, protocol: ROUTE_PROTOCOL.STATIC };
    unless('ESRCH', () => netlink.deleteLocalRoute(route));
  }

  /** Whether `ensure` has something to do after this: a source is gone, or an IPv6 address has been made. */
  isConcernedBy(message: NetlinkMessage): boolean {
    const { type } = message;
    if (type !== MESSAGE.NEW_ADDRESS && type !== MESSAGE.DELETE_ADDRESS) return false;
    const address = decodeAddress(message)?.address ?? '';
    if (type === MESSAGE.DELETE_ADDRESS) return [...this.#sources.values()].includes(address);
    return isIPv6(address) && this.#sources.has(address);
  }
}
