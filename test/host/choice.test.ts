import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { chooseInterception } from '../../src/host/choice.ts';
import type { Run } from '../../src/host/command.ts';
import type { InterceptionBackend } from '../../src/host/interception.ts';
import { isIptablesNews, isNftNews } from '../../src/host/rule-watch.ts';
import { NFT_MESSAGE } from '../../src/os/nfnetlink-message.ts';

const LIBC = new Error('not in this test');

/** A node given by what its commands print; commands that are not listed are not installed. */
function nodeWith(commands: Record<string, string>): Run {
  return async (binary, args) => {
    const command = [binary, ...args.filter((arg) => !/^(-w|5)$/.test(arg))].join(' ');
    const stdout = commands[command];
    if (stdout !== undefined) return { ok: true, stdout };
    const isInstalled = Object.keys(commands).some((other) => other.startsWith(`${binary} `));
    return isInstalled
      ? {
          ok: false,
          failure: { code: 'command_failed', command: binary, detail: 'No chain by that name' },
        }
      : { ok: false, failure: { code: 'missing_binary', binary } };
  };
}

async function choose(
  commands: Record<string, string>,
  {
    backend = 'auto',
    legacyTables = [],
  }: { backend?: InterceptionBackend; legacyTables?: string[] } = {},
): Promise<string> {
  const { kind } = await chooseInterception(
    { backend, addresses: ['192.0.2.10'], standByAddresses: [], dnsPort: 53, healthPort: 8080 },
    { run: nodeWith(commands), clock: systemClock, libc: LIBC, legacyTables: () => legacyTables },
  );
  return kind;
}

const NFT = { 'nft list tables': 'table inet fw\n' };
const BOTH = { 'iptables-nft --version': '', 'iptables-legacy --version': '' };

test('kube-proxy’s table of nftables decides for nft', async () => {
  const commands = {
    ...BOTH,
    'nft list tables': 'table ip nat\ntable ip kube-proxy\n',
    'iptables-nft -t nat -S KUBE-SERVICES': '',
  };
  assert.equal(await choose(commands), 'nft');
});

test('chains of kube-proxy decide for the variant of iptables that has them', async () => {
  const nft = { ...NFT, ...BOTH, 'iptables-nft -t nat -S KUBE-SERVICES': '' };
  assert.equal(await choose(nft), 'iptables-nft');
  const legacy = { ...NFT, ...BOTH, 'iptables-legacy -t nat -S KUBE-SERVICES': '' };
  assert.equal(await choose(legacy, { legacyTables: ['nat'] }), 'iptables-legacy');
  // What is not loaded is not asked for, because that would load it.
  assert.equal(await choose(legacy), 'nft');
  const only6 = { ...NFT, ...BOTH, 'ip6tables-nft -t nat -S KUBE-SERVICES': '' };
  assert.equal(await choose(only6), 'iptables-nft');
});

test('the kubelet’s hint decides where there is no kube-proxy', async () => {
  const commands = {
    ...NFT,
    ...BOTH,
    'iptables-legacy -t mangle -S KUBE-IPTABLES-HINT': '',
  };
  assert.equal(await choose(commands, { legacyTables: ['mangle'] }), 'iptables-legacy');
});

test('without any mark nft is chosen, or iptables where there is no nft', async () => {
  assert.equal(await choose({ ...NFT, ...BOTH }), 'nft');
  const version = { 'iptables --version': 'iptables v1.8.9 (nf_tables)\n' };
  assert.equal(await choose(version), 'iptables-nft');
  assert.equal(await choose({ 'iptables --version': 'iptables v1.6.1\n' }), 'iptables-legacy');
});

test('a flag decides before the node does', async () => {
  const nft = { 'nft list tables': 'table ip kube-proxy\n' };
  const version = { 'iptables --version': 'iptables v1.8.9 (nf_tables)\n' };
  assert.equal(await choose({ ...nft, ...version }, { backend: 'iptables' }), 'iptables-nft');
  const marked = { ...NFT, ...BOTH, 'iptables-nft -t nat -S KUBE-SERVICES': '' };
  assert.equal(await choose(marked, { backend: 'nft' }), 'nft');
});

test('plain iptables stands for the variant that it is', async () => {
  const commands = {
    'iptables --version': 'iptables v1.8.9 (legacy)\n',
    'iptables -t nat -S KUBE-SERVICES': '',
  };
  assert.equal(await choose(commands, { legacyTables: ['nat'] }), 'iptables-legacy');
});

test('changes that are news for nft', () => {
  const { NEWSETELEM, DELSETELEM, DELTABLE, DELRULE, NEWCHAIN, NEWRULE } = NFT_MESSAGE;
  const isNews = (message: number, table: string, name: string, more = {}) =>
    isNftNews({ message, table, name, isBaseChain: false, userData: '', ...more });
  assert.ok(isNews(DELTABLE, 'zerohop', ''));
  assert.ok(isNews(DELRULE, 'zerohop', 'prerouting'));
  assert.ok(isNews(DELSETELEM, 'zerohop', 'address4'));
  assert.ok(isNews(NEWCHAIN, 'fw', 'input', { isBaseChain: true }));
  const userData = '\0\x27NodeLocal DNS Cache: allow DNS traffic';
  assert.ok(isNews(DELRULE, 'fw', 'input', { userData }));
  assert.ok(!isNews(NEWRULE, 'fw', 'input', { userData }));
  assert.ok(!isNews(NEWSETELEM, 'zerohop', 'lease4'));
  assert.ok(!isNews(DELSETELEM, 'zerohop', 'flow6'));
  assert.ok(!isNews(NEWCHAIN, 'kube-proxy', 'service-ULMVA6XW-ns/svc'));
  assert.ok(!isNews(DELRULE, 'filter', 'KUBE-FORWARD'));
});

test('changes that are news for iptables', () => {
  const { DELTABLE, DELRULE, DELCHAIN, NEWSETELEM } = NFT_MESSAGE;
  const isNews = (message: number, table: string, name: string) =>
    isIptablesNews({ message, table, name, isBaseChain: false, userData: '' });
  assert.ok(isNews(DELRULE, 'raw', 'PREROUTING'));
  assert.ok(isNews(DELRULE, 'filter', 'INPUT'));
  assert.ok(isNews(DELCHAIN, 'nat', 'ZEROHOP-STANDBY'));
  assert.ok(isNews(DELTABLE, 'raw', ''));
  assert.ok(!isNews(DELRULE, 'nat', 'KUBE-SVC-TCOU7JCQXEZGVUNU'));
  assert.ok(!isNews(NEWSETELEM, 'fw', 'blocked'));
});
