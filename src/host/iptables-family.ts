/**
 * The rules of one family in iptables: read back, compared, mended in one call of `iptables-restore`. What this kernel cannot
 * do is found out by trying, and left out from then on.
 */
import type { CommandOutcome, Run } from './command.ts';
import type { HostFailure } from './failure.ts';
import type { FallbackEndpoint, InterceptionOptions } from './interception.ts';
import {
  isEmpty,
  type Plan,
  type Present,
  planRemoval,
  planRepair,
  restoreText,
  type Wanted,
  wantedLines,
} from './iptables-plan.ts';
import { endpointLines, keyOf, readRules, STANDBY_CHAIN } from './iptables-text.ts';
import { type Family, familyOf } from './rules.ts';

/** What may change while rules stand. */
export interface RulesState {
  /** Queries are to come to us: only without a lease do rules depend on it. */
  readonly isGranted: boolean;
  readonly fallback: readonly FallbackEndpoint[];
}

export type PlanOutcome = { readonly ok: true; readonly plan: Plan } | Failed;
interface Failed {
  readonly ok: false;
  readonly failure: HostFailure;
}

/** What this kernel can do. */
interface Ability {
  readonly hasLease: boolean;
  readonly hasNat: boolean;
}

/** Tried in this order until one goes in. */
const ABILITIES: readonly Ability[] = [
  { hasLease: true, hasNat: true },
  { hasLease: true, hasNat: false },
  { hasLease: false, hasNat: true },
  { hasLease: false, hasNat: false },
];

/** iptables waits so long for its lock, in seconds. */
const LOCK_WAIT = ['-w', '5'];

/** Where our rules are; nothing else is read, because kube-proxy's chains may be megabytes. */
const CHAINS = [
  ['raw', 'PREROUTING'],
  ['raw', 'OUTPUT'],
  ['filter', 'INPUT'],
  ['filter', 'OUTPUT'],
] as const;
const NAT_CHAINS = [
  ['nat', 'PREROUTING'],
  ['nat', 'OUTPUT'],
  ['nat', 'POSTROUTING'],
] as const;

export class IptablesFamily {
  readonly family: Family;
  readonly addresses: readonly string[];
  readonly #standByAddresses: readonly string[];
  readonly #options: InterceptionOptions;
  /** `iptables-nft`, `ip6tables-legacy`, ...: `-restore` is put behind it. */
  readonly #binary: string;
  readonly #run: Run;
  #ability = ABILITIES[0]!;
  #losses: readonly string[] = [];

  constructor(family: Family, options: InterceptionOptions, { binary, run }: FamilyCommands) {
    const isOfFamily = (address: string) => familyOf(address) === family;
    this.family = family;
    this.addresses = options.addresses.filter(isOfFamily);
    this.#standByAddresses = options.standByAddresses.filter(isOfFamily);
    this.#options = options;
    this.#binary = binary;
    this.#run = run;
  }

  get hasLease(): boolean {
    return this.#ability.hasLease;
  }

  /** One line for each thing that this kernel cannot do. */
  get losses(): readonly string[] {
    return this.#losses;
  }

  /** Tries for everything, then for less; what is found out holds until the next call. */
  async install(state: RulesState): Promise<HostFailure | undefined> {
    let first: HostFailure | undefined;
    for (const ability of ABILITIES) {
      this.#ability = ability;
      const outcome = await this.repair(state);
      if (outcome.ok) {
        this.#losses = first ? this.#lossesBy(first) : [];
        return undefined;
      }
      first ??= outcome.failure;
      // Only what this kernel may not know can be left out.
      if (!['command_failed', 'kernel_part_missing'].includes(outcome.failure.code)) break;
    }
    this.#ability = ABILITIES[0]!;
    return first;
  }

  repair(state: RulesState): Promise<PlanOutcome> {
    return this.#apply(this.#wanted(state), planRepair);
  }

  remove(state: RulesState): Promise<PlanOutcome> {
    return this.#apply(this.#wanted(state), planRemoval);
  }

  /** Fills the stand-by chain anew. */
  async setEndpoints(state: RulesState): Promise<HostFailure | undefined> {
    const { standBy } = this.#wanted(state);
    if (standBy === undefined) return undefined;
    const endpoints = endpointLines(standBy.endpoints);
    return this.#restore({ missing: [], superfluous: [], endpoints, dropsStandByChain: false });
  }

  /** How many rules each address should have, and has. */
  async count(
    state: RulesState,
  ): Promise<{ ok: true; counts: { expected: number; present: number }[] } | Failed> {
    const outcome = await this.#read();
    if (!outcome.ok) return outcome;
    const there = new Set(outcome.present.rules.map(keyOf));
    const wanted = this.#wanted(state);
    const counts = this.addresses.map((address) => {
      const standBy = wanted.standBy && {
        ...wanted.standBy,
        addresses: wanted.standBy.addresses.filter((other) => other === address),
      };
      const lines = wantedLines({ ...wanted, addresses: [address], standBy });
      const present = lines.filter((line) => there.has(keyOf(line))).length;
      return { expected: lines.length, present };
    });
    return { ok: true, counts };
  }

  #lossesBy(cause: HostFailure): string[] {
    const detail = 'detail' in cause ? cause.detail : `no ${'part' in cause ? cause.part : '?'}`;
    const { hasLease, hasNat } = this.#ability;
    const losses: string[] = [];
    if (!hasLease) {
      losses.push(
        `IPv${this.family}: rules without a lease, for want of the recent match (${detail}): if this process dies, the node has no DNS until it is back`,
      );
    }
    if (!hasNat) {
      const own = this.#standByAddresses.join(', ');
      const standIn = own === '' ? '' : ` and nobody stands in at ${own}`;
      losses.push(
        `IPv${this.family}: while this process is away, open TCP connections break${standIn}, for want of NAT (${detail})`,
      );
    }
    return losses;
  }

  /** Reads, plans and carries out. */
  async #apply(
    wanted: Wanted,
    plan: (wanted: Wanted, present: Present) => Plan,
  ): Promise<PlanOutcome> {
    const outcome = await this.#read();
    if (!outcome.ok) return outcome;
    const planned = plan(wanted, outcome.present);
    const failure = isEmpty(planned) ? undefined : await this.#restore(planned);
    return failure ? { ok: false, failure } : { ok: true, plan: planned };
  }

  async #restore(plan: Plan): Promise<HostFailure | undefined> {
    const args = ['--noflush', ...LOCK_WAIT];
    const outcome = await this.#run(`${this.#binary}-restore`, args, restoreText(plan));
    return outcome.ok ? undefined : outcome.failure;
  }

  async #read(): Promise<{ ok: true; present: Present } | Failed> {
    const { hasNat } = this.#ability;
    const chains = hasNat ? [...CHAINS, ...NAT_CHAINS] : CHAINS;
    const rules = [];
    for (const [table, chain] of chains) {
      const outcome = await this.#list(table, chain);
      if (outcome.ok) rules.push(...readRules(table, outcome.stdout));
      else if (!isAbsence(outcome.failure)) return outcome;
    }
    if (!hasNat) return { ok: true, present: { rules, endpointCount: undefined } };
    const standBy = await this.#list('nat', STANDBY_CHAIN);
    const endpointCount = standBy.ok ? readRules('nat', standBy.stdout).length : undefined;
    return { ok: true, present: { rules, endpointCount } };
  }

  #list(table: string, chain: string): Promise<CommandOutcome> {
    return this.#run(this.#binary, [...LOCK_WAIT, '-t', table, '-S', chain]);
  }

  #wanted({ isGranted, fallback }: RulesState): Wanted {
    const { dnsPort, healthPort } = this.#options;
    const { hasLease, hasNat } = this.#ability;
    const addresses = this.#standByAddresses;
    const endpoints = fallback.filter(({ address }) => familyOf(address) === this.family);
    return {
      dnsPort,
      healthPort,
      hasLease,
      addresses: this.addresses,
      hasTowardUs: isGranted,
      hasNat,
      standBy: hasNat && addresses.length > 0 ? { addresses, endpoints } : undefined,
    };
  }
}

export interface FamilyCommands {
  readonly binary: string;
  readonly run: Run;
}

/** The chain is not there; where the table cannot be had, the restore says so. */
function isAbsence(failure: HostFailure): boolean {
  if (failure.code === 'kernel_part_missing') return true;
  return failure.code === 'command_failed' && /No chain|does not exist/.test(failure.detail);
}
