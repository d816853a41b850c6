/**
 * Interception: the rules by which the kernel brings a pod's queries to us instead of to kube-dns. A packet that the raw table
 * leaves un-tracked skips NAT, so kube-proxy's translation of the ClusterIP does not happen and the packet reaches the address
 * on our own interface.
 *
 * The rules toward us are a lease: they match only while an element of a set (nft) or of a recent list (iptables) is younger
 * than 3 s. `renew` is called each second while every responder makes progress. Whoever dies, however it dies, the kernel sends
 * pods back to kube-dns with nobody running. The rules for replies need no lease and stay to the end: a reply that were tracked
 * would pin the pod's socket to us.
 *
 *     install -> renew, renew, ... (ensure now and then, and when `watch` tells) -> withdraw -> drain -> remove
 *
 * No method throws or rejects: what does not work comes back as a value, and is tried again at the next call.
 */
import type { HostFailure } from './failure.ts';

/** Seconds for which one renewal holds: the longest that pods wait for a dead daemon. */
export const LEASE_S = 3;
/** Between renewals: two may fail or be late before the lease is lost. */
export const RENEW_EVERY_MS = 1000;

export type InterceptionKind = 'nft' | 'iptables-nft' | 'iptables-legacy' | 'none';
export type InterceptionBackend = 'auto' | 'iptables' | 'nft' | 'none';

/** Where a stand-by rule sends queries while the lease is out: a pod of kube-dns, of the family of what it stands in for. */
export interface FallbackEndpoint {
  /** In its one spelling, without zone or brackets. */
  readonly address: string;
  readonly port: number;
}

export interface InterceptionOptions {
  readonly backend: InterceptionBackend;
  /** Every address served, IPv4 and IPv6 mixed, each in its one spelling. */
  readonly addresses: readonly string[];
  /**
   * Those of `addresses` that nobody but us answers, such as 169.254.20.10, and which the stand-by NAT rule therefore sends to
   * kube-dns's endpoints while the lease is out. A ClusterIP needs none: kube-proxy does that. Empty turns the rule off.
   */
  readonly standByAddresses: readonly string[];
  readonly dnsPort: number;
  /** The port of the health endpoint on these addresses: its probes are un-tracked too. */
  readonly healthPort: number;
}

export interface Repair {
  /** Rules that were missing and are back. */
  readonly restored: number;
  /** Rules that were there twice, or were left by an older release, and are gone. */
  readonly removed: number;
  readonly failures: readonly HostFailure[];
}

/** What `zerohop doctor` shows. */
export interface InterceptionFacts {
  readonly kind: InterceptionKind;
  /** Why this backend. */
  readonly reason: string;
  /** False where the kernel has no part that a lease needs: the rules then match for as long as they stand. */
  readonly hasLease: boolean;
  /** One line for each thing that cannot be had here, and one for each chain of others that drops our packets. */
  readonly losses: readonly string[];
  readonly addresses: readonly AddressFacts[];
  /** Endpoints that the stand-by rule goes to; empty where there is none. */
  readonly fallback: readonly FallbackEndpoint[];
  readonly failures: readonly HostFailure[];
}

export interface AddressFacts {
  readonly address: string;
  readonly rulesExpected: number;
  readonly rulesPresent: number;
  /** How long ago somebody renewed the lease; undefined where it is out or there is none. */
  readonly leaseAgeMs: number | undefined;
}

export interface Interception {
  readonly kind: InterceptionKind;
  /** Why this backend was chosen; one line for the log. */
  readonly reason: string;
  /** One line for each thing that cannot be had here; complete after `install`. */
  readonly losses: readonly string[];

  /** Puts the base rules in place in one transaction, over whatever is there. The lease is not given: pods still go to kube-dns. */
  install(): Promise<readonly HostFailure[]>;

  /** Gives the lease, or renews it. Without a lease in this kernel: sees that the plain rules stand. */
  renew(): Promise<HostFailure | undefined>;

  /** Reads back; adds what is missing, removes what is there twice and what older releases left. Changes nothing where all is well. */
  ensure(): Promise<Repair>;

  /** Calls back, at most twice a second, when somebody may have changed our rules. Best effort; returns the way to stop it. */
  watch(onChange: () => void): () => void;

  /**
   * Ends the lease, unless another daemon renews it too; replies stay un-tracked. Before the drain. `isAlone`: the caller knows that
   * nobody else serves, and a lease that looks shared is what a killed one left.
   */
  withdraw(isAlone?: boolean): Promise<readonly HostFailure[]>;

  /** Removes all the rest, unless another daemon renews the lease; after the drain. */
  remove(isAlone?: boolean): Promise<readonly HostFailure[]>;

  /** Sends what the stand-by addresses get to these endpoints while the lease is out. Empty: no rule. */
  setFallback(endpoints: readonly FallbackEndpoint[]): Promise<HostFailure | undefined>;

  describe(): Promise<InterceptionFacts>;
}
