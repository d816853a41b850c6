/**
 * What a node's kernel holds of links, addresses and rules, as text that can be compared: counters, times and
 * handles are taken out, and fe80::/64, which the kernel gives to links when it gets to it.
 */
import type { LabNode } from './lab.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['ip', '-oneline', 'link', 'show'],
  ['ip', '-oneline', 'address', 'show'],
  ['ip', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ...['iptables', 'ip6tables'].map((program) => [`${program}-legacy-save`]),
  // Terse: elements of sets are leases and flows, which come and go.
  ['nft', '-s', '-t', 'list', 'ruleset'],
];

/** Empty tables and chains count as absent: iptables makes the built-in ones when it is asked for a table. */
export async function nodeState(node: LabNode): Promise<string> {
  const texts = await Promise.all(COMMANDS.map((command) => node.run(command)));
  return COMMANDS.map((command, index) => {
    const text = plain(texts[index]!);
    // Addresses and routes are listed in the order in which they were added, which means nothing; rules have an order.
    const lines = command[0] === 'ip' ? text.split('\n').sort().join('\n') : text;
    return `# ${command.join(' ')}\n${lines}\n`;
  }).join('');
}

function plain(text: string): string {
  const emptyChain = /\tchain \w+ \{\n\t\ttype [^\n]*policy accept;\n\t\}\n/g;
  const emptyTable = /table \w+ \S+ \{\n\s*\}\n?/g;
  return text
    .replace(/^#.*\n?/gm, '')
    .replace(/^.*\bfe80::.*\n?/gm, '')
    .replace(/ counter packets \d+ bytes \d+/g, '')
    .replace(/\[\d+:\d+\]/g, '')
    .replace(/ (expires|valid_lft|preferred_lft|qlen) \S+/g, '')
    .replace(emptyChain, '')
    .replace(/\n{2,}/g, '\n')
    .replace(emptyTable, '')
    .replace(/^\*\w+\n(?::\w+ ACCEPT\s*\n)*COMMIT\n?/gm, '')
    .trim();
}

/** Lines that stand in one of them only, `-` for the first and `+` for the second; none where the node is the same. */
export function stateChanges(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const only = (sign: string, lines: string[], others: string[]) =>
    lines.filter((line) => !others.includes(line)).map((line) => `${sign} ${line.trim()}`);
  const changes = [...only('-', old, now), ...only('+', now, old)];
  return changes.length === 0 && before !== after ? ['the same lines in another order'] : changes;
}
