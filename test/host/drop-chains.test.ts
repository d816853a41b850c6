import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../src/host/command.ts';
import { acceptText, candidatesIn, findDropChains, leaveText } from '../../src/host/drop-chains.ts';

const OPTIONS = { addresses: ['192.0.2.10', '2001:db8::10'], dnsPort: 53 };
const INPUT = 'type filter hook input priority 0;';

/** An nft that has these chains, each given by its declaration and rules. */
function nftWith(chains: Record<string, readonly string[]>): Run {
  const print = (name: string, lines: readonly string[]) => {
    const [family, table, chain] = name.split(' ');
    return `table ${family} ${table} {\n\tchain ${chain} { # handle 1\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n}\n`;
  };
  return async (_binary, args) => {
    const [, verb, what] = args.filter((arg) => arg !== '-a');
    assert.equal(verb, 'list');
    const all = Object.entries(chains);
    if (what === 'chains') {
      return { ok: true, stdout: all.map(([name, [first]]) => print(name, [first!])).join('') };
    }
    const name = args.slice(args.indexOf('chain') + 1).join(' ');
    return { ok: true, stdout: print(name, chains[name]!) };
  };
}

async function find(chains: Record<string, readonly string[]>) {
  const found = await findDropChains(nftWith(chains), OPTIONS);
  assert.ok(found.ok);
  return found.chains;
}

const accept = (rule: string) => `${rule} accept comment "NodeLocal DNS Cache: allow DNS traffic"`;
const ALL_IN = [
  'ip daddr 192.0.2.10 tcp dport 53',
  'ip daddr 192.0.2.10 udp dport 53',
  'ip6 daddr 2001:db8::10 tcp dport 53',
  'ip6 daddr 2001:db8::10 udp dport 53',
].map(accept);

test('a chain that drops by policy gets our rules', async () => {
  const [chain] = await find({ 'inet fw in': [`${INPUT} policy drop;`] });
  assert.equal(chain?.reason, 'policy drop');
  assert.deepEqual(chain.missing, ALL_IN);
  assert.equal(
    acceptText([chain]),
    ALL_IN.map((rule) => `insert rule inet fw in ${rule}\n`).join(''),
  );
});

test('so does one that ends in a rule that lets nothing through', async () => {
  for (const last of [
    'drop # handle 3',
    'counter packets 4 bytes 900 drop # handle 3',
    'reject with icmpx 3 # handle 3',
    'log prefix "no way: " reject # handle 3',
    'counter packets 0 bytes 0 drop comment "the rest" # handle 3',
  ]) {
    const chains = await find({ 'ip fw in': [`${INPUT} policy accept;`, 'iif 1 accept', last] });
    assert.equal(chains.length, 1, last);
    assert.deepEqual(chains[0]?.missing, ALL_IN.slice(0, 2), 'only those of its family');
  }
});

test('others are left alone', async () => {
  assert.deepEqual(
    await find({
      'inet a open': [`${INPUT} policy accept;`, 'ip saddr 203.0.113.1 drop # handle 2'],
      'inet b forward': ['type filter hook forward priority 0; policy drop;'],
      'inet zerohop output': ['type filter hook output priority -300; policy drop;'],
      'bridge c in': [`${INPUT} policy drop;`],
      'ip nat INPUT': ['type nat hook input priority 100; policy accept;'],
      'inet d own': [''],
    }),
    [],
  );
});

test('replies are accepted on their way out', async () => {
  const [chain] = await find({
    'ip filter OUTPUT': ['type filter hook output priority 0; policy drop;'],
  });
  assert.deepEqual(chain?.missing, [
    accept('ip saddr 192.0.2.10 tcp sport 53'),
    accept('ip saddr 192.0.2.10 udp sport 53'),
  ]);
});

test('rules that are there are known again, those there twice go, all go at the end', async () => {
  const rules = [...ALL_IN, ALL_IN[0]!].map((rule, index) => `${rule} # handle ${index + 5}`);
  const [chain] = await find({ 'inet fw in': [`${INPUT} policy drop;`, ...rules] });
  assert.deepEqual(chain?.missing, []);
  assert.equal(acceptText([chain!]), 'delete rule inet fw in handle 9\n');
  assert.equal(leaveText([chain!]).split('\n').length - 1, 5);
  const counted = `${ALL_IN[0]!.replace(' accept', ' counter packets 1 bytes 60 accept')} # handle 5`;
  const [one] = await find({ 'inet fw in': [`${INPUT} policy drop;`, counted] });
  assert.equal(one?.missing.length, 3);
});

test('where a chain drops no more, our rules in it are still found', async () => {
  const rule = `${ALL_IN[0]} # handle 5`;
  const [chain] = await find({ 'inet fw in': [`${INPUT} policy accept;`, rule] });
  assert.equal(chain?.reason, undefined);
  assert.deepEqual(chain?.missing, []);
  assert.deepEqual(chain?.present, ['5']);
});

test('names of chains are read from a listing', () => {
  const listing = `table inet fw {\n\tchain in {\n\t\t${INPUT} policy drop;\n\t}\n}\n`;
  assert.deepEqual(candidatesIn(listing), [
    { name: 'inet fw in', hook: 'input', families: [4, 6] },
  ]);
});
