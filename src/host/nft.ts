/**
 * Interception through a table of our own in nf_tables, for a node whose kube-proxy uses it or that has none: one transaction
 * for both families, a lease in a timed set, and accepting rules in chains of others that would drop our packets.
 */
import type { Clock } from '../base/clock.ts';
import type { Libc } from '../os/libc.ts';
import { type CommandOutcome, type Run, withRetries } from './command.ts';
import { acceptText, type DropChain, findDropChains, leaveText } from './drop-chains.ts';
import type { HostFailure } from './failure.ts';
import type {
  FallbackEndpoint,
  Interception,
  InterceptionFacts,
  InterceptionOptions,
  Repair,
} from './interception.ts';
import { NftLease } from './nft-lease.ts';
import { addressFacts, type Blocks, blocksOf, missingOf, surplusOf } from './nft-table.ts';
import { fallbackText, installText, type NftAbility, removeText, TABLE } from './nft-text.ts';

export interface NftDependencies {
  readonly run: Run;
  readonly clock: Clock;
  /** The renewals go through it; an Error where koffi cannot load. */
  readonly libc: Libc | Error;
  /** Hears of changes by others; returns the way to stop. */
  readonly watch: (onChange: () => void) => () => void;
  /** One line for each chain of iptables-legacy that drops our packets. */
  readonly legacyDrops: () => Promise<readonly string[]>;
}

/** Tried in this order until one goes in. */
const ABILITIES: readonly NftAbility[] = [
  { hasLease: true, hasStandBy: true, hasFlows: true },
  { hasLease: true, hasStandBy: false, hasFlows: true },
  { hasLease: true, hasStandBy: true, hasFlows: false },
  { hasLease: true, hasStandBy: false, hasFlows: false },
  { hasLease: false, hasStandBy: false, hasFlows: false },
];

export class NftInterception implements Interception {
  readonly kind = 'nft';
  readonly reason: string;
  readonly #options: InterceptionOptions;
  readonly #run: Run;
  readonly #lease: NftLease;
  readonly #watch: NftDependencies['watch'];
  readonly #legacyDrops: NftDependencies['legacyDrops'];
  #ability: NftAbility = ABILITIES[0]!;
  #fallback: readonly FallbackEndpoint[] = [];
  /** The table as nft printed it right after it went in; undefined before. */
  #expected: Blocks | undefined;
  #isGranted = false;
  #losses: readonly string[] = [];
  #drops: readonly string[] = [];
  #dropChains: readonly DropChain[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    reason: string,
    options: InterceptionOptions,
    { run, clock, libc, watch, legacyDrops }: NftDependencies,
  ) {
    this.reason = reason;
    this.#options = options;
    this.#run = withRetries(run);
    this.#lease = new NftLease(options.addresses, { libc, run: this.#run, clock });
    this.#watch = watch;
    this.#legacyDrops = legacyDrops;
  }

  get losses(): readonly string[] {
    return [...this.#losses, ...this.#drops];
  }

  install(): Promise<readonly HostFailure[]> {
    return this.#inTurn(async () => {
      this.#drops = await this.#legacyDrops();
      const failure = (await this.#installTable()) ?? (await this.#acceptInOthers());
      return failure ? [failure] : [];
    });
  }

  async renew(): Promise<HostFailure | undefined> {
    this.#isGranted = true;
    const failure = await this.#lease.renew(this.#ability.hasLease);
    if (failure?.code !== 'command_failed') return failure;
    // Whoever removed the table removed the lease with it.
    const { failures } = await this.ensure();
    return failures[0] ?? this.#lease.renew(this.#ability.hasLease);
  }

  ensure(): Promise<Repair> {
    return this.#inTurn(async () => {
      const expected = this.#expected;
      const present = await this.#read();
      if (!present.ok) return { restored: 0, removed: 0, failures: [present.failure] };
      const missing = expected ? missingOf(expected, present.blocks, this.#fallback) : 0;
      const surplus = expected ? surplusOf(expected, present.blocks) : 0;
      let failure: HostFailure | undefined;
      if (expected === undefined || missing > 0 || surplus > 0) {
        failure = await this.#installTable();
        if (failure === undefined && this.#isGranted) {
          await this.#lease.renew(this.#ability.hasLease);
        }
      }
      failure ??= await this.#acceptInOthers();
      if (failure) return { restored: 0, removed: 0, failures: [failure] };
      const { accepted, repeated } = this.#countInOthers();
      return { restored: missing + accepted, removed: surplus + repeated, failures: [] };
    });
  }

  watch(onChange: () => void): () => void {
    return this.#watch(onChange);
  }

  withdraw(isAlone = false): Promise<readonly HostFailure[]> {
    return this.#inTurn(async () => {
      this.#isGranted = false;
      if (!isAlone && this.#lease.isShared()) return [];
      const failure = await this.#lease.end();
      return failure ? [failure] : [];
    });
  }

  remove(isAlone = false): Promise<readonly HostFailure[]> {
    return this.#inTurn(async () => {
      this.#isGranted = false;
      this.#expected = undefined;
      const isShared = !isAlone && this.#lease.isShared();
      this.#lease.close();
      if (isShared) return [];
      const found = await findDropChains(this.#run, this.#options);
      const text = removeText() + (found.ok ? leaveText(found.chains) : '');
      const outcome = await this.#nft(text);
      return outcome.ok ? [] : [outcome.failure];
    });
  }

  setFallback(fallback: readonly FallbackEndpoint[]): Promise<HostFailure | undefined> {
    return this.#inTurn(async () => {
      this.#fallback = fallback;
      if (this.#expected === undefined || !this.#ability.hasStandBy) return undefined;
      const outcome = await this.#nft(fallbackText(fallback));
      return outcome.ok ? undefined : outcome.failure;
    });
  }

  async describe(): Promise<InterceptionFacts> {
    const present = await this.#read();
    const found = await findDropChains(this.#run, this.#options);
    const agesMs = this.#lease.agesMs();
    const blocks: Blocks = present.ok ? present.blocks : new Map();
    const chains = found.ok ? found.chains : [];
    const dropping = chains.filter(({ missing }) => missing.length > 0);
    return {
      kind: this.kind,
      reason: this.reason,
      hasLease: this.#ability.hasLease,
      losses: [
        ...this.#losses,
        ...(await this.#legacyDrops()),
        ...dropping.map(({ name, hook, reason }) => {
          return `chain ${name} at hook ${hook} drops our packets: ${reason}`;
        }),
      ],
      addresses: this.#options.addresses.map((address) => {
        return addressFacts(address, blocks, agesMs.get(address));
      }),
      fallback: this.#fallback,
      failures: [present, found].flatMap((each) => (each.ok ? [] : [each.failure])),
    };
  }

  /** Tries for everything, then for less; what is found out holds until the next call. */
  async #installTable(): Promise<HostFailure | undefined> {
    const { addresses, standByAddresses, dnsPort, healthPort } = this.#options;
    const fallback = this.#fallback;
    const options = { addresses, standByAddresses, dnsPort, healthPort, fallback };
    let first: HostFailure | undefined;
    for (const ability of ABILITIES) {
      const text = installText(options, ability);
      let outcome = await this.#nft(text);
      // A table of another release may have sets of the same name and another kind.
      if (!outcome.ok && outcome.failure.code === 'command_failed') {
        outcome = await this.#nft(removeText() + text);
      }
      if (outcome.ok) {
        this.#ability = ability;
        this.#losses = first ? lossesOf(ability, this.#options, first) : [];
        return this.#remember();
      }
      first ??= outcome.failure;
      // Only what this kernel may not know can be left out.
      if (!['command_failed', 'kernel_part_missing'].includes(outcome.failure.code)) break;
    }
    return first;
  }

  async #remember(): Promise<HostFailure | undefined> {
    const present = await this.#read();
    if (!present.ok) return present.failure;
    this.#expected = present.blocks;
    return undefined;
  }

  async #acceptInOthers(): Promise<HostFailure | undefined> {
    const found = await findDropChains(this.#run, this.#options);
    if (!found.ok) return found.failure;
    this.#dropChains = found.chains;
    const text = acceptText(found.chains);
    const outcome = text === '' ? undefined : await this.#nft(text);
    return outcome?.ok === false ? outcome.failure : undefined;
  }

  #countInOthers(): { accepted: number; repeated: number } {
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
    return {
      accepted: sum(this.#dropChains.map(({ missing }) => missing.length)),
      repeated: sum(this.#dropChains.map(({ repeated }) => repeated.length)),
    };
  }

  /** Our table; empty where it is not there. */
  async #read(): Promise<{ ok: true; blocks: Blocks } | { ok: false; failure: HostFailure }> {
    const outcome = await this.#run('nft', ['-nn', 'list', 'table', 'inet', TABLE]);
    if (outcome.ok) return { ok: true, blocks: blocksOf(outcome.stdout) };
    const { failure } = outcome;
    const isAbsent = failure.code === 'command_failed' && /No such file/.test(failure.detail);
    return isAbsent ? { ok: true, blocks: new Map() } : { ok: false, failure };
  }

  #nft(text: string): Promise<CommandOutcome> {
    return this.#run('nft', ['-f', '-'], text);
  }

  /** One at a time: a look must not see half of another's work. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

function lossesOf(
  { hasLease, hasStandBy, hasFlows }: NftAbility,
  { standByAddresses }: InterceptionOptions,
  cause: HostFailure,
): string[] {
  const detail = 'detail' in cause ? cause.detail : `no ${'part' in cause ? cause.part : '?'}`;
  const losses: string[] = [];
  if (!hasLease) {
    losses.push(
      `rules without a lease, for want of sets with time-outs (${detail}): if this process dies, the node has no DNS until it is back`,
    );
  }
  if (!hasStandBy && standByAddresses.length > 0) {
    losses.push(
      `nobody stands in at ${standByAddresses.join(', ')} while this process is away, for want of NAT (${detail})`,
    );
  }
  if (!hasFlows) {
    losses.push(
      `open TCP connections break when the lease begins or ends, for want of dynamic sets (${detail})`,
    );
  }
  return losses;
}
