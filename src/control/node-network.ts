/**
 * The node's network in the order of a daemon's life: the interface with the served addresses, and interception.
 *
 *   setUp      our own addresses (169.254.20.10), which nobody but us answers: at once, the sockets being bound already
 *   intercept  base rules, then the addresses that we take over (kube-dns's ClusterIP), then the lease, one right behind the other:
 *              such an address without its rules would give this node's own clients a source address that no reply comes back
 *              to, and rules without their address would lead nowhere
 *   withdraw   the lease ends: new queries go to kube-dns, replies still leave
 *   remove     rules, addresses, interface; not where another process serves the same addresses
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import type { LinkKeeper } from './link-keeper.ts';
import type { RulesKeeper } from './rules-keeper.ts';

export interface ServedAddresses {
  /** Nobody but us answers them. */
  readonly own: readonly string[];
  /** Others answer them without us. */
  readonly takenOver: readonly string[];
}

/** The rules, and their lease to give and to stop giving. */
export interface Intercepting {
  readonly rules: RulesKeeper;
  readonly lease: Lease;
}

export interface Lease {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly isHeld: boolean;
}

export interface NodeNetworkOptions {
  readonly addresses: ServedAddresses;
  /** Undefined: the interface is none of our business (`-setupinterface=false`). */
  readonly link: LinkKeeper | undefined;
  /** Undefined: nor is interception (`-setupiptables=false`). It is made while the daemon starts: it looks at all rules of the node. */
  readonly interception: Promise<Intercepting> | undefined;
  readonly syncIntervalMs: number;
  /** Rules and interface stay (`-skipteardown`). */
  readonly skipTeardown: boolean;
  /** Whether another process serves the same addresses: it needs them when we are gone. */
  readonly isShared: () => boolean;
  readonly log: Log;
}

const INSTALL_RETRY_MS = 5000;
/**
 * What came here before the withdrawal may still be on its way to a socket: a datagram, the end of a TCP handshake, a connection
 * that waits to be accepted. Within a node that is under a millisecond; this is for a busy one.
 */
const ON_THE_WAY_MS = 200;

export class NodeNetwork {
  readonly #options: NodeNetworkOptions;
  #sync: NodeJS.Timeout | undefined;
  #intercepting: Intercepting | undefined;
  #isEnding = false;

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
  }

  /** Whether the lease is held; undefined where there is none to hold. */
  get isLeased(): boolean | undefined {
    const isHeld = this.#intercepting?.lease.isHeld ?? false;
    return this.#options.interception === undefined ? undefined : isHeld;
  }

  /** Where the addresses are; undefined where the interface is none of our business. */
  get interfaceName(): string | undefined {
    return this.#options.link?.name;
  }

  /** Our own addresses; without interception, all of them. */
  setUp(): void {
    const { link, interception, addresses, syncIntervalMs } = this.#options;
    if (link !== undefined) {
      link.watch();
      link.have(interception === undefined ? allOf(addresses) : addresses.own);
    }
    this.#sync = setInterval(() => {
      link?.look();
      void this.#intercepting?.rules.look();
    }, syncIntervalMs).unref();
  }

  /** Resolves when the lease is given, or the end has begun. */
  async intercept(): Promise<void> {
    const { link, interception, addresses, log } = this.#options;
    if (interception === undefined) return;
    const { rules, lease } = await interception;
    while (!this.#isEnding && !(await rules.install())) {
      await pause(INSTALL_RETRY_MS, undefined, { ref: false });
    }
    if (this.#isEnding) return;
    this.#intercepting = { rules, lease };
    link?.have(allOf(addresses));
    await lease.start();
    rules.watch();
    log.info(`interception: ${rules.rules.kind}: ${allOf(addresses).join(', ')}`);
  }

  /** From now on new queries go to kube-dns. */
  async withdraw(): Promise<void> {
    const { link, interception, isShared, log } = this.#options;
    this.#isEnding = true;
    clearInterval(this.#sync);
    if (interception !== undefined) {
      const { rules, lease } = await interception;
      await lease.stop();
      await rules.withdraw(!isShared());
      await rules.close();
      log.info('interception: withdrawn');
      await pause(ON_THE_WAY_MS);
    }
    // The addresses are kept until the last answer is out: whoever took them away would take the answers' source.
    link?.look();
  }

  /** Nobody is answered any more. */
  async remove(): Promise<void> {
    const { link, interception, skipTeardown, isShared, log } = this.#options;
    link?.close();
    if (skipTeardown) return;
    if (isShared()) {
      log.info('another process serves the same addresses: they stay, and so do the rules');
      return;
    }
    await (await interception)?.rules.remove(true);
    link?.remove();
  }
}

function allOf({ own, takenOver }: ServedAddresses): string[] {
  return [...own, ...takenOver];
}

/** Of each family, the link-local addresses are our own; where there is none, the first is, as installers write them. */
export function servedAddresses(localIps: readonly string[]): ServedAddresses {
  const own = [false, true].flatMap((isIpv6) => {
    const family = localIps.filter((address) => address.includes(':') === isIpv6);
    const linkLocal = family.filter((address) => /^(169\.254\.|fe[89ab])/.test(address));
    return linkLocal.length > 0 ? linkLocal : family.slice(0, 1);
  });
  return { own, takenOver: localIps.filter((address) => !own.includes(address)) };
}
