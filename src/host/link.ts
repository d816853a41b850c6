/**
 * The interface that carries the served addresses: a dummy device of our own, where the kernel has that kind, else loopback. What
 * is missing is added, what is there is left alone; what fails comes back as a value.
 *
 * An address is added as /32 or /128, so that no other route changes; loopback's own addresses are never touched. A dummy device
 * that is down drops IPv6, so it is set up, which node-cache does not do.
 */
import { isIPv6 } from 'node:net';
import { isSystemCallError, SystemCallError, unless } from '../os/errno.ts';
import { type Libc, OS } from '../os/libc.ts';
import { Netlink } from '../os/netlink.ts';
import {
  type AddressState,
  decodeAddress,
  decodeLink,
  type LinkState,
  MESSAGE,
  type NetlinkMessage,
} from '../os/netlink-message.ts';
import { watchNetlink } from '../os/netlink-watch.ts';
import type { HostFailure } from './failure.ts';
import { SourceRoutes } from './source-routes.ts';

const LOOPBACK = 'lo';
/** These go with loopback itself; nobody adds or removes them. */
const LOOPBACK_ADDRESS = /^(127\.|::1$)/;
/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR of linux/rtnetlink.h. */
const GROUPS = 0x1 | 0x10 | 0x100;

export interface LinkFailure {
  /** The `errortype` that node-cache counts it under. */
  readonly errorType: 'interface_add' | 'interface_check';
  readonly failure: HostFailure;
}

export interface LinkRepair {
  /** The device was not there. */
  readonly isCreated: boolean;
  /** Addresses that were not there. */
  readonly added: readonly string[];
  readonly failures: readonly LinkFailure[];
}

export interface NodeLinkOptions {
  readonly libc: Libc;
  /** Of the device. */
  readonly name: string;
  /** Default `dummy`; tests take a kind that their kernel has. */
  readonly kind?: string;
}

export class NodeLink {
  readonly #options: NodeLinkOptions;
  #isOnLoopback: boolean;
  /** Where the addresses are, and which: what the watch compares notifications with. */
  #index = 0;
  #addresses: readonly string[] = [];
  readonly #sourceRoutes = new SourceRoutes();

  constructor(options: NodeLinkOptions) {
    this.#options = options;
    this.#isOnLoopback = options.name === LOOPBACK;
  }

  /** The device that carries the addresses: `lo` once the kernel has said that it has no dummy devices. */
  get name(): string {
    return this.#isOnLoopback ? LOOPBACK : this.#options.name;
  }

  /** Sees that the device is there and up and has these addresses. */
  ensure(addresses: readonly string[]): LinkRepair {
    this.#addresses = addresses;
    const attempts = new Attempts();
    const added: string[] = [];
    let isCreated = false;
    attempts.withNetlink(this.#options.libc, (netlink) => {
      let link = attempts.find(netlink, this.name);
      if (link === undefined) {
        attempts.run('interface_add', () => {
          isCreated = this.#create(netlink);
        });
        link = attempts.find(netlink, this.name);
      }
      if (link === undefined) return;
      const { index, isUp } = link;
      this.#index = index;
      if (!isUp) attempts.run('interface_add', () => netlink.setLinkUp(index));
      const present = netlink.addresses();
      for (const address of addresses) {
        if (LOOPBACK_ADDRESS.test(address)) continue;
        const own = ownAddress(index, address);
        const isThere = present.some((other) => other.index === index && other.address === address);
        this.#sourceRoutes.learn(netlink, address);
        if (!isThere) {
          if (!attempts.run('interface_add', () => addAddress(netlink, own))) continue;
          added.push(address);
        }
        attempts.run('interface_add', () => this.#sourceRoutes.ensure(netlink, own, present));
      }
    });
    return { isCreated, added, failures: attempts.failures };
  }

  /**
   * Calls back at once when one of the addresses or the device went, or the device was set down, or the kernel has made an IPv6
   * address: with `ensure` as the answer, the gap is a fraction of a millisecond. To be begun before the first `ensure`. Returns
   * the way to stop it, or why there is no watch.
   */
  watch(onChange: () => void): (() => void) | HostFailure {
    const { libc } = this.#options;
    try {
      return watchNetlink(libc, {
        protocol: OS.NETLINK_ROUTE,
        groups: GROUPS,
        onMessages: (messages) => {
          if (messages.some((message) => this.#isConcernedBy(message))) onChange();
        },
        onLoss: onChange,
      });
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Takes the addresses away, and the device; loopback stays. What is not there any more is no failure. */
  remove(addresses: readonly string[]): readonly LinkFailure[] {
    this.#addresses = [];
    const attempts = new Attempts();
    attempts.withNetlink(this.#options.libc, (netlink) => {
      const index = attempts.find(netlink, this.name)?.index;
      if (index === undefined) return;
      if (!this.#isOnLoopback) {
        attempts.run('interface_check', () => netlink.deleteLink(index));
        return;
      }
      const present = netlink.addresses();
      for (const address of addresses) {
        const own = ownAddress(index, address);
        if (LOOPBACK_ADDRESS.test(address) || !present.some((other) => isSame(own, other)))
          continue;
        attempts.run('interface_check', () => netlink.deleteAddress(own));
        attempts.run('interface_check', () => this.#sourceRoutes.remove(netlink, address));
      }
    });
    return attempts.failures;
  }

  /** False where it is there by now, or the kernel has no such kind of device and loopback is what we take. */
  #create(netlink: Netlink): boolean {
    const { name, kind = 'dummy' } = this.#options;
    try {
      netlink.createLink(name, kind);
      return true;
    } catch (error) {
      if (isSystemCallError(error, 'EEXIST')) return false;
      if (!isSystemCallError(error, 'ENOTSUP', 'EOPNOTSUPP')) throw error;
      this.#isOnLoopback = true;
      return false;
    }
  }

  #isConcernedBy(message: NetlinkMessage): boolean {
    const { type } = message;
    if (this.#sourceRoutes.isConcernedBy(message)) return true;
    if (type === MESSAGE.DELETE_ADDRESS) {
      const gone = decodeAddress(message);
      return gone?.index === this.#index && this.#addresses.includes(gone.address);
    }
    if (type !== MESSAGE.DELETE_LINK && type !== MESSAGE.NEW_LINK) return false;
    const link = decodeLink(message);
    return link.index === this.#index && (type === MESSAGE.DELETE_LINK || !link.isUp);
  }
}

/** Calls that may fail, each with the kind that it is counted under. */
class Attempts {
  readonly failures: LinkFailure[] = [];

  /** Whether it worked. */
  run(errorType: LinkFailure['errorType'], act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      this.failures.push({ errorType, failure: failureOf(error) });
      return false;
    }
  }

  find(netlink: Netlink, name: string): LinkState | undefined {
    let link: LinkState | undefined;
    this.run('interface_check', () => {
      link = netlink.findLink(name);
    });
    return link;
  }

  withNetlink(libc: Libc, act: (netlink: Netlink) => void): void {
    this.run('interface_check', () => {
      const netlink = new Netlink(libc);
      try {
        act(netlink);
      } finally {
        netlink.close();
      }
    });
  }
}

function ownAddress(index: number, address: string): AddressState {
  return { index, address, prefixLength: isIPv6(address) ? 128 : 32 };
}

function isSame(own: AddressState, other: AddressState): boolean {
  return (
    own.index === other.index &&
    own.address === other.address &&
    own.prefixLength === other.prefixLength
  );
}

/** Another daemon may add it at the same moment. */
function addAddress(netlink: Netlink, address: AddressState): void {
  unless('EEXIST', () => netlink.addAddress(address));
}

/** What a system call's failure says to the operator; anything else is a bug and is thrown on. */
function failureOf(error: unknown): HostFailure {
  if (!(error instanceof SystemCallError)) throw error;
  const { call: command, code } = error;
  if (code === 'EPERM') return { code: 'permission', capability: 'NET_ADMIN', command };
  // What the kernel says to an IPv6 address where net.ipv6.conf.*.disable_ipv6 is set.
  const hint = code === 'EACCES' ? ' (is IPv6 disabled there?)' : '';
  return { code: 'command_failed', command, detail: `${code}${hint}` };
}
