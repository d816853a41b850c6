/**
 * Which backend this node gets: the one that its kube-proxy uses, because rules of two kinds on one node are hard to follow, and
 * iptables-legacy and iptables-nft do not see each other's. Looks at the node, changes nothing, loads no module.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { type Libc, loadLibc } from '../os/libc.ts';
import { type Run, runCommand } from './command.ts';
import type { Interception, InterceptionOptions } from './interception.ts';
import { IptablesInterception, type IptablesVariant } from './iptables.ts';
import { legacyDrops, readLegacyTables } from './legacy-filter.ts';
import { NftInterception } from './nft.ts';
import { noInterception } from './no-interception.ts';
import { isIptablesNews, isNftNews, watchLegacy, watchNft } from './rule-watch.ts';

export interface ChoiceDependencies {
  readonly run: Run;
  readonly clock: Clock;
  readonly libc: Libc | Error;
  /** The tables that iptables-legacy has loaded in this network namespace. */
  readonly legacyTables: () => readonly string[];
}

type IptablesKind = IptablesVariant['kind'];
interface Choice {
  readonly kind: 'nft' | IptablesKind;
  readonly reason: string;
  /** The node seems to use it, but we may not even look. */
  readonly isForbidden?: boolean;
}

/** What kube-proxy and the kubelet leave in iptables, in the order of what it tells: services first, then kubelet's hint. */
const MARKS = [
  ['nat', 'KUBE-SERVICES'],
  ['mangle', 'KUBE-IPTABLES-HINT'],
] as const;

/** Decides by what the node uses. Failures show when `install` is called. */
export async function chooseInterception(
  options: InterceptionOptions,
  given: Partial<ChoiceDependencies> = {},
): Promise<Interception> {
  const dependencies: ChoiceDependencies = {
    run: runCommand,
    clock: systemClock,
    libc: loadLibc(),
    legacyTables: readLegacyTables,
    ...given,
  };
  if (options.backend === 'none') return noInterception(options, 'turned off');
  const { kind, reason } = await choose(options.backend, dependencies);
  const { run, clock, libc } = dependencies;
  if (kind === 'nft') {
    return new NftInterception(reason, options, {
      run,
      clock,
      libc,
      watch: watchNft(libc, isNftNews),
      legacyDrops: () => legacyDrops(run, dependencies.legacyTables),
    });
  }
  // Without any, `install` says which is not there.
  const binaries = (await binariesOf(kind, run)) ?? ownBinaries(kind);
  const watch = kind === 'iptables-nft' ? watchNft(libc, isIptablesNews) : watchLegacy(libc);
  return new IptablesInterception({ kind, reason, binaries }, options, { run, clock, watch });
}

async function choose(
  backend: 'auto' | 'iptables' | 'nft',
  dependencies: ChoiceDependencies,
): Promise<Choice> {
  if (backend === 'nft') return { kind: 'nft', reason: 'chosen by flag' };
  const { run } = dependencies;
  const tables = await run('nft', ['list', 'tables']);
  const hasNft = tables.ok;
  if (backend === 'auto' && hasNft && /^table (ip|ip6|inet) kube-proxy$/m.test(tables.stdout)) {
    return { kind: 'nft', reason: 'kube-proxy uses nftables' };
  }
  const marked = await markedVariant(dependencies);
  // Un-tracking in nftables keeps iptables-legacy from translating as well: better than nothing.
  if (marked?.isForbidden && backend === 'auto' && hasNft) return { ...marked, kind: 'nft' };
  if (marked) return marked;
  if (backend === 'auto' && hasNft) {
    return { kind: 'nft', reason: 'neither kube-proxy nor the kubelet uses iptables here' };
  }
  const kind = await defaultVariant(run);
  const reason = backend === 'auto' ? 'nft cannot be used' : 'chosen by flag';
  return { kind, reason: `${reason}; ${kind} is what iptables stands for` };
}

/** The variant of iptables that holds chains of kube-proxy or of the kubelet. */
async function markedVariant({
  run,
  legacyTables,
}: ChoiceDependencies): Promise<Choice | undefined> {
  for (const [table, chain] of MARKS) {
    for (const kind of ['iptables-nft', 'iptables-legacy'] as const) {
      // Asking for a table of iptables-legacy creates it.
      if (kind === 'iptables-legacy' && !legacyTables().includes(table)) continue;
      const binaries = await binariesOf(kind, run);
      if (binaries === undefined) continue;
      for (const binary of [binaries[4], binaries[6]]) {
        const listed = await run(binary, ['-w', '5', '-t', table, '-S', chain]);
        if (listed.ok) return { kind, reason: `${kind} has chain ${chain}` };
        // Only iptables-legacy has a lock to wait for, so somebody here works with it.
        if (listed.failure.code === 'lock') return { kind, reason: `${kind} is being used` };
        if (listed.failure.code === 'permission' && kind === 'iptables-legacy') {
          const { capability } = listed.failure;
          const reason = `this node has rules of ${kind}, which needs the capability ${capability}`;
          return { kind, reason, isForbidden: true };
        }
      }
    }
  }
  return undefined;
}

/** The variant's own names where they exist, else the plain ones where they stand for it. */
async function binariesOf(
  kind: IptablesKind,
  run: Run,
): Promise<Readonly<Record<4 | 6, string>> | undefined> {
  const own = ownBinaries(kind);
  if ((await run(own[4], ['--version'])).ok) return own;
  const isPlain = (await defaultVariant(run)) === kind;
  return isPlain ? { 4: 'iptables', 6: 'ip6tables' } : undefined;
}

function ownBinaries(kind: IptablesKind): Readonly<Record<4 | 6, string>> {
  return { 4: kind, 6: kind.replace('iptables', 'ip6tables') };
}

/** What `iptables` is here; before 1.8 it was nothing but legacy, and did not say so. */
async function defaultVariant(run: Run): Promise<IptablesKind> {
  const version = await run('iptables', ['--version']);
  return version.ok && !version.stdout.includes('nf_tables') ? 'iptables-legacy' : 'iptables-nft';
}
