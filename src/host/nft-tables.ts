/**
 * Tables that iptables-nft creates by itself with the first rule and never removes. Those that were not there before our rules
 * go with them, if nobody has come to use them since. Needs `nft`; without it they stay, empty.
 */
import type { Run } from './command.ts';
import { type ListedTable, readListing } from './nft-listing.ts';

/** Where our rules are, or where asking for them creates a table. */
const TABLES = ['ip', 'ip6'].flatMap((family) =>
  ['raw', 'filter', 'nat'].map((table) => `${family} ${table}`),
);

export class NftTables {
  readonly #run: Run;
  /** Those that were not there at the first look. */
  #absent: readonly string[] | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Before the rules go in; only the first look counts. */
  async look(): Promise<void> {
    if (this.#absent) return;
    const outcome = await this.#run('nft', ['list', 'tables']);
    if (!outcome.ok) return;
    const present = outcome.stdout.split('\n').map((line) => line.replace(/^table /, ''));
    this.#absent = TABLES.filter((table) => !present.includes(table));
  }

  /** After the rules went. A table that another has begun to use stays. */
  async dropEmpty(): Promise<void> {
    for (const name of this.#absent ?? []) {
      const outcome = await this.#run('nft', ['list', 'table', ...name.split(' ')]);
      const table = outcome.ok ? readListing(outcome.stdout)[0] : undefined;
      if (table === undefined || !isUnused(table)) continue;
      // A chain that got a rule since cannot be deleted, and then nothing is.
      await this.#run('nft', ['-f', '-'], dropText(table));
    }
  }
}

/** Nothing but base chains without rules that let everything pass. */
export function isUnused({ blocks }: ListedTable): boolean {
  return blocks.every(
    ({ name, lines }) =>
      name.startsWith('chain ') && lines.length === 1 && /^type .*policy accept;$/.test(lines[0]!),
  );
}

export function dropText({ name, blocks }: ListedTable): string {
  const chains = blocks.map(
    (block) => `delete chain ${name} ${block.name.replace('chain ', '')}\n`,
  );
  return `${chains.join('')}delete table ${name}\n`;
}
