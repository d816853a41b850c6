/**
 * Interception through iptables, for a node whose kube-proxy uses it: node-cache's rules, where its users look for them, with
 * the lease as a `recent` match. Both variants (over nf_tables, or legacy) take the same text; each family is set up on its own,
 * so that a kernel without IPv6 tables costs IPv4 nothing.
 */
import type { Clock } from '../base/clock.ts';
import { type Run, withRetries } from './command.ts';
import type { HostFailure } from './failure.ts';
import type {
  AddressFacts,
  FallbackEndpoint,
  Interception,
  InterceptionFacts,
  InterceptionOptions,
  Repair,
} from './interception.ts';
import { IptablesFamily, type PlanOutcome, type RulesState } from './iptables-family.ts';
import { RECENT_LISTS } from './iptables-text.ts';
import { NftTables } from './nft-tables.ts';
import { RecentLease } from './recent-lease.ts';
import { byFamily, type Family } from './rules.ts';

export interface IptablesDependencies {
  readonly run: Run;
  readonly clock: Clock;
  /** Hears of changes by others; returns the way to stop. */
  readonly watch: (onChange: () => void) => () => void;
}

export interface IptablesVariant {
  readonly kind: 'iptables-nft' | 'iptables-legacy';
  readonly reason: string;
  readonly binaries: Readonly<Record<Family, string>>;
}

export class IptablesInterception implements Interception {
  readonly kind: 'iptables-nft' | 'iptables-legacy';
  readonly reason: string;
  readonly #families: readonly IptablesFamily[];
  readonly #lease: RecentLease;
  readonly #watch: IptablesDependencies['watch'];
  /** iptables-nft creates tables; those of iptables-legacy belong to the kernel and stay. */
  readonly #tables: NftTables | undefined;
  #state: RulesState = { isGranted: false, fallback: [] };
  #isInstalled = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    { kind, reason, binaries }: IptablesVariant,
    options: InterceptionOptions,
    { run, clock, watch }: IptablesDependencies,
  ) {
    this.kind = kind;
    this.reason = reason;
    this.#watch = watch;
    this.#lease = new RecentLease(RECENT_LISTS, clock);
    const retrying = withRetries(run);
    this.#tables = kind === 'iptables-nft' ? new NftTables(retrying) : undefined;
    this.#families = byFamily(options.addresses).map(
      ([family]) =>
        new IptablesFamily(family, options, { binary: binaries[family], run: retrying }),
    );
  }

  get losses(): readonly string[] {
    return this.#families.flatMap(({ losses }) => losses);
  }

  install(): Promise<readonly HostFailure[]> {
    return this.#inTurn(async () => {
      this.#isInstalled = true;
      await this.#tables?.look();
      return this.#each((family) => family.install(this.#state));
    });
  }

  async renew(): Promise<HostFailure | undefined> {
    const isFirst = !this.#state.isGranted;
    this.#state = { ...this.#state, isGranted: true };
    const isPlain = this.#families.some(({ hasLease }) => !hasLease);
    if (isFirst && isPlain) {
      const { failures } = await this.ensure();
      if (failures[0]) return failures[0];
    }
    if (this.#lease.renew(this.#leased()) === undefined) return undefined;
    // Whoever removed the rules removed the list with them.
    const { failures } = await this.ensure();
    return failures[0] ?? this.#lease.renew(this.#leased());
  }

  ensure(): Promise<Repair> {
    return this.#inTurn(async () => {
      let restored = 0;
      let removed = 0;
      const failures = await this.#each(async (family) => {
        const outcome = await family.repair(this.#state);
        if (!outcome.ok) return outcome.failure;
        restored += outcome.plan.missing.length;
        removed += outcome.plan.superfluous.length;
        return undefined;
      });
      if (restored > 0 && this.#state.isGranted) this.#lease.renew(this.#leased());
      return { restored, removed, failures };
    });
  }

  watch(onChange: () => void): () => void {
    return this.#watch(onChange);
  }

  withdraw(isAlone = false): Promise<readonly HostFailure[]> {
    return this.#inTurn(async () => {
      this.#state = { ...this.#state, isGranted: false };
      if (!isAlone && this.#lease.isShared(this.#leased())) return [];
      return this.#each(async (family) => {
        if (family.hasLease) return this.#lease.end(family.addresses);
        return failureIn(await family.repair(this.#state));
      });
    });
  }

  remove(isAlone = false): Promise<readonly HostFailure[]> {
    return this.#inTurn(async () => {
      this.#state = { ...this.#state, isGranted: false };
      this.#isInstalled = false;
      if (!isAlone && this.#lease.isShared(this.#leased())) return [];
      const failures = await this.#each(async (family) => {
        return failureIn(await family.remove(this.#state));
      });
      await this.#tables?.dropEmpty();
      return failures;
    });
  }

  setFallback(fallback: readonly FallbackEndpoint[]): Promise<HostFailure | undefined> {
    return this.#inTurn(async () => {
      this.#state = { ...this.#state, fallback };
      if (!this.#isInstalled) return undefined;
      const failures = await this.#each((family) => family.setEndpoints(this.#state));
      return failures[0];
    });
  }

  async describe(): Promise<InterceptionFacts> {
    const agesMs = await this.#lease.agesMs(this.#leased());
    const addresses: AddressFacts[] = [];
    const failures = await this.#each(async (family) => {
      const outcome = await family.count(this.#state);
      for (const [index, address] of family.addresses.entries()) {
        addresses.push({
          address,
          rulesExpected: outcome.ok ? outcome.counts[index]!.expected : 0,
          rulesPresent: outcome.ok ? outcome.counts[index]!.present : 0,
          leaseAgeMs: agesMs.get(address),
        });
      }
      return outcome.ok ? undefined : outcome.failure;
    });
    return {
      kind: this.kind,
      reason: this.reason,
      hasLease: this.#families.every(({ hasLease }) => hasLease),
      losses: this.losses,
      addresses,
      fallback: this.#state.fallback,
      failures,
    };
  }

  #leased(): string[] {
    return this.#families.flatMap(({ hasLease, addresses }) => (hasLease ? addresses : []));
  }

  /** A family that fails does not keep the other from being tried. */
  async #each(
    work: (family: IptablesFamily) => Promise<HostFailure | undefined> | HostFailure | undefined,
  ): Promise<HostFailure[]> {
    const failures: HostFailure[] = [];
    for (const family of this.#families) {
      const failure = await work(family);
      if (failure) failures.push(failure);
      // Both families have one lock.
      if (failure?.code === 'lock') break;
    }
    return failures;
  }

  /** One at a time: a look must not see half of another's work. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

function failureIn(outcome: PlanOutcome): HostFailure | undefined {
  return outcome.ok ? undefined : outcome.failure;
}
