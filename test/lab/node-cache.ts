/**
 * What node-cache does to a node, by the commands that it runs: rules one by one, and its teardown, which removes each rule, puts it
 * back to see whether there was another, and removes it again. A daemon of ours beside it meets this in a migration.
 */
import type { LabNode } from './lab.ts';

const HEALTH_PORT = '8080';
/** Some hundred commands one after the other, each of which may wait for a lock. */
const TIMEOUT_MS = 60_000;
const SKIP = ['-m', 'comment', '--comment', 'NodeLocal DNS Cache: skip conntrack'];
const ALLOW = ['-m', 'comment', '--comment', 'NodeLocal DNS Cache: allow DNS traffic'];

interface Rule {
  readonly table: 'raw' | 'filter';
  readonly chain: 'PREROUTING' | 'INPUT' | 'OUTPUT';
  readonly args: readonly string[];
}

/** The twelve of an address. */
function rulesOf(address: string): Rule[] {
  const both = (make: (protocol: string) => Rule) => ['tcp', 'udp'].map(make);
  const to = (protocol: string, port: string) => ['-p', protocol, '-d', address, '--dport', port];
  const from = (protocol: string, port: string) => ['-p', protocol, '-s', address, '--sport', port];
  const skip = (chain: Rule['chain'], match: string[]): Rule => {
    return { table: 'raw', chain, args: [...match, '-j', 'NOTRACK', ...SKIP] };
  };
  const allow = (chain: Rule['chain'], match: string[]): Rule => {
    return { table: 'filter', chain, args: [...match, '-j', 'ACCEPT', ...ALLOW] };
  };
  return [
    ...both((protocol) => skip('PREROUTING', to(protocol, '53'))),
    ...both((protocol) => allow('INPUT', to(protocol, '53'))),
    ...both((protocol) => skip('OUTPUT', from(protocol, '53'))),
    ...both((protocol) => allow('OUTPUT', from(protocol, '53'))),
    ...both((protocol) => skip('OUTPUT', to(protocol, '53'))),
    skip('OUTPUT', to('tcp', HEALTH_PORT)),
    skip('OUTPUT', from('tcp', HEALTH_PORT)),
  ];
}

export type Variant = 'nft' | 'legacy';

function command(
  variant: Variant,
  operation: '-I' | '-D' | '-C',
  address: string,
  rule: Rule,
): string {
  const program = `${address.includes(':') ? 'ip6tables' : 'iptables'}-${variant}`;
  const args = rule.args.map((each) => (each.includes(' ') ? `'${each}'` : each));
  return [program, '-w', '5', operation, rule.chain, '-t', rule.table, ...args].join(' ');
}

/** Puts its rules in front, as node-cache does. */
export async function addNodeCacheRules(
  node: LabNode,
  variant: Variant,
  addresses: readonly string[],
): Promise<void> {
  const lines = addresses.flatMap((address) =>
    rulesOf(address).map((rule) => command(variant, '-I', address, rule)),
  );
  await node.run(['sh', '-ec', lines.join('\n')], { timeoutMs: TIMEOUT_MS });
}

export async function tearDownAsNodeCache(
  node: LabNode,
  variant: Variant,
  addresses: readonly string[],
  interfaceName: string,
): Promise<void> {
  const lines = addresses.flatMap((address) =>
    rulesOf(address).map((rule) => {
      const [check, add, drop] = (['-C', '-I', '-D'] as const).map((operation) =>
        command(variant, operation, address, rule),
      );
      return `${drop}; while ${check}; do ${drop}; done; ${add}; ${drop}`;
    }),
  );
  const removeLink = `ip link delete ${interfaceName}`;
  await node.run(['sh', '-c', [...lines, removeLink].join('\n')], {
    mayFail: true,
    timeoutMs: TIMEOUT_MS,
  });
}

/** How many of its rules stand. */
export async function countNodeCacheRules(
  node: LabNode,
  variant: Variant,
  addresses: readonly string[],
): Promise<number> {
  const lines = addresses.flatMap((address) =>
    rulesOf(address).map((rule) => `${command(variant, '-C', address, rule)} && echo present`),
  );
  const options = { mayFail: true, timeoutMs: TIMEOUT_MS };
  const output = await node.run(['sh', '-c', lines.join('\n')], options);
  return output.split('\n').filter((line) => line === 'present').length;
}
