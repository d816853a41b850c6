/**
 * iptables-legacy beside nftables: its chains stand at the same hooks, so one that drops by policy drops our packets, whatever
 * nftables accepts. It is reported, not changed: who uses nftables did not ask for rules in the other.
 */
import { readFileSync } from 'node:fs';
import type { Run } from './command.ts';

/** The tables that iptables-legacy has loaded in this network namespace, of either family. */
export function readLegacyTables(): string[] {
  return ['ip_tables_names', 'ip6_tables_names'].flatMap((name) => {
    try {
      return readFileSync(`/proc/self/net/${name}`, 'utf8').split('\n');
    } catch {
      // The module is not loaded.
      return [];
    }
  });
}

/** One line for each chain that drops by policy; asks only where the table is loaded, because asking would load it. */
export async function legacyDrops(
  run: Run,
  legacyTables: () => readonly string[],
): Promise<string[]> {
  if (!legacyTables().includes('filter')) return [];
  const lines: string[] = [];
  for (const binary of ['iptables-legacy', 'ip6tables-legacy']) {
    for (const chain of ['INPUT', 'OUTPUT']) {
      const listed = await run(binary, ['-w', '5', '-S', chain]);
      if (!listed.ok || !listed.stdout.includes(`-P ${chain} DROP`)) continue;
      lines.push(
        `chain ${chain} of ${binary} drops by policy: it must accept DNS for our addresses`,
      );
    }
  }
  return lines;
}
