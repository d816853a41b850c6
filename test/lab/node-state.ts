/**
 * What a node's kernel holds of links, addresses and rules, as text that can be compared: counters, times and handles are taken out.
 */
import type { LabNode } from './lab.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['ip', '-oneline', 'link', 'show'],
  ['ip', '-oneline', 'address', 'show'],
  ['ip', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ...['iptables', 'ip6tables'].map((program) => [`${program}-legacy-save`]),
  ['nft', '-s', 'list', 'ruleset'],
];

/** Empty tables and chains count as absent: iptables makes the built-in ones when it is asked for a table. */
export async function nodeState(node: LabNode): Promise<string> {
  const texts = await Promise.all(COMMANDS.map((command) => node.run(command)));
  return COMMANDS.map((command, index) => `# ${command.join(' ')}\n${plain(texts[index]!)}\n`).join(
    '',
  );
}

function plain(text: string): string {
  const emptyChain = /\tchain \w+ \{\n\t\ttype [^\n]*policy accept;\n\t\}\n/g;
  const emptyTable = /table \w+ \S+ \{\n\s*\}\n?/g;
  return text
    .replace(/^#.*\n?/gm, '')
    .replace(/ counter packets \d+ bytes \d+/g, '')
    .replace(/\[\d+:\d+\]/g, '')
    .replace(/ (expires|valid_lft|preferred_lft|qlen) \S+/g, '')
    .replace(emptyChain, '')
    .replace(/\n{2,}/g, '\n')
    .replace(emptyTable, '')
    .replace(/^\*\w+\n(?::\w+ ACCEPT\s*\n)*COMMIT\n?/gm, '')
    .trim();
}
