/** Interfaces and addresses of this network namespace, through netlink. */
import { loadLibc } from '../os/libc.ts';
import { Netlink } from '../os/netlink.ts';
import type { AddressState, LinkState } from '../os/netlink-message.ts';

export interface NodeLinks {
  /** Undefined where there is none of that name. */
  readonly link: LinkState | undefined;
  readonly addresses: readonly AddressState[];
}

/** An error where koffi cannot load, or the kernel refuses. */
export function readNodeLinks(name: string): NodeLinks | Error {
  const libc = loadLibc();
  if (libc instanceof Error) return libc;
  let netlink: Netlink | undefined;
  try {
    netlink = new Netlink(libc);
    return { link: netlink.findLink(name), addresses: netlink.addresses() };
  } catch (error) {
    return error as Error;
  } finally {
    netlink?.close();
  }
}
