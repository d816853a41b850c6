import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference, readListing } from '../../src/host/nft-listing.ts';
import { addressFacts, blocksOf, missingOf, surplusOf } from '../../src/host/nft-table.ts';
import { dropText, isUnused } from '../../src/host/nft-tables.ts';
import { fallbackText, installText, renewText } from '../../src/host/nft-text.ts';

const OPTIONS = {
  addresses: ['192.0.2.10', '2001:db8::10'],
  standByAddresses: ['192.0.2.10'],
  dnsPort: 53,
  healthPort: 8080,
  fallback: [
    { address: '198.51.100.1', port: 53 },
    { address: '198.51.100.2', port: 1053 },
    { address: '2001:db8:1::2', port: 53 },
  ],
};
const ALL = { hasLease: true, hasStandBy: true, hasFlows: true };

/** As `nft -nn list table` prints it, as far as it matters here. */
const LISTING = `table inet zerohop {
	set lease4 {
		type ipv4_addr
		flags timeout
		elements = { 192.0.2.10 timeout 3s expires 2s992ms }
	}

	set address4 {
		type ipv4_addr
		elements = { 192.0.2.10, 192.0.2.11,
			     192.0.2.12 }
	}

	chain prerouting {
		type filter hook prerouting priority -300; policy accept;
		ip daddr @lease4 udp dport 53 notrack
	}

	chain output {
		type filter hook output priority -300; policy accept;
		ip daddr @lease4 udp dport 53 notrack
		ip saddr @address4 meta l4proto { 6, 17 } th sport 53 notrack
	}

	chain standby4 {
		meta l4proto { 6, 17 } dnat ip to 198.51.100.1:53
	}
}
`;

test('the table is one text with line breaks, in which chains are emptied before they are filled', () => {
  const text = installText(OPTIONS, ALL);
  const flushAt = text.indexOf('flush chain inet zerohop prerouting\n');
  assert.ok(flushAt > text.indexOf('\tchain prerouting {\n'));
  assert.ok(flushAt < text.lastIndexOf('\tchain prerouting {\n'));
  assert.ok(!/\{[^\n]*;[^\n]*\}/.test(text), 'no chain on one line');
  assert.match(text, /\n\t\tip daddr @lease4 udp dport 53 notrack\n/);
  assert.match(text, /\n\t\tip6 saddr @address6 tcp sport 8080 notrack\n/);
  assert.match(text, /add element inet zerohop address6 \{ 2001:db8::10 \}\n/);
  assert.match(text, /add element inet zerohop own4 \{ 192\.0\.2\.10 \}\n/);
  assert.doesNotMatch(text, /own6 \{ 2001/);
});

test('what a kernel cannot do is left out', () => {
  const plain = installText(OPTIONS, { hasLease: false, hasStandBy: false, hasFlows: false });
  assert.doesNotMatch(plain, /flags|nat|@flow|standby/);
  assert.match(plain, /ip daddr @lease4 meta l4proto \{ tcp, udp \} th dport 53 notrack/);
});

test('new flows are spread over the endpoints of their family', () => {
  const text = fallbackText(OPTIONS.fallback);
  assert.match(text, /^flush chain inet zerohop standby4\nflush chain inet zerohop standby6\n/);
  const rules = text.split('\n').filter((line) => line.includes('dnat'));
  assert.deepEqual(
    rules.map((line) => line.trim()),
    [
      'meta l4proto { tcp, udp } numgen random mod 2 == 0 dnat ip to 198.51.100.1:53',
      'meta l4proto { tcp, udp } dnat ip to 198.51.100.2:1053',
      'meta l4proto { tcp, udp } dnat ip6 to [2001:db8:1::2]:53',
    ],
  );
});

test('a renewal without netlink adds, deletes and adds again', () => {
  assert.equal(
    renewText(['2001:db8::10'], 3),
    `add element inet zerohop lease6 { 2001:db8::10 timeout 3s }
delete element inet zerohop lease6 { 2001:db8::10 }
add element inet zerohop lease6 { 2001:db8::10 timeout 3s }
`,
  );
});

test('a listing is read block by block, elements over several lines', () => {
  const [table] = readListing(LISTING);
  assert.equal(table?.name, 'inet zerohop');
  assert.deepEqual(
    table.blocks.map(({ name }) => name),
    ['set lease4', 'set address4', 'chain prerouting', 'chain output', 'chain standby4'],
  );
  assert.deepEqual(table.blocks[1]?.elements, ['192.0.2.10', '192.0.2.11', '192.0.2.12']);
  assert.deepEqual(table.blocks[2]?.lines, [
    'type filter hook prerouting priority -300; policy accept;',
    'ip daddr @lease4 udp dport 53 notrack',
  ]);
});

test('lines that are too few are counted as often as they are missing', () => {
  assert.deepEqual(difference(['a', 'a', 'b'], ['a', 'c']), ['a', 'b']);
});

test('a table that is as it was has nothing missing and nothing too much', () => {
  const expected = blocksOf(LISTING);
  assert.equal(missingOf(expected, expected, OPTIONS.fallback), 0);
  assert.equal(surplusOf(expected, expected), 0);
  // The lease runs out; another daemon knows other endpoints and serves more addresses.
  const later = LISTING.replace(/\n.*expires.*\n/, '\n')
    .replace('198.51.100.1', '198.51.100.9')
    .replace('192.0.2.12', '192.0.2.12, 192.0.2.13');
  assert.equal(missingOf(expected, blocksOf(later), OPTIONS.fallback), 0);
  assert.equal(surplusOf(expected, blocksOf(later)), 0);
});

test('what others removed or added is counted', () => {
  const expected = blocksOf(LISTING);
  const missing = (listing: string) => missingOf(expected, blocksOf(listing), OPTIONS.fallback);
  assert.equal(missing(LISTING.replace('\t\tip daddr @lease4 udp dport 53 notrack\n', '')), 1);
  assert.equal(missing(LISTING.replace('192.0.2.11,', '')), 1);
  assert.equal(missing(LISTING.replace(/\t\tmeta.*dnat.*\n/, '')), 1);
  assert.equal(missing(''), 2 + 4 + 2 + 3 + 1);
  const added = LISTING.replace('th sport 53 notrack', 'th sport 53 notrack\n\t\tcounter drop');
  assert.equal(surplusOf(expected, blocksOf(added)), 1);
});

test('an address has its rules and its place in the sets', () => {
  const blocks = blocksOf(LISTING);
  assert.deepEqual(addressFacts('192.0.2.10', blocks, 12), {
    address: '192.0.2.10',
    rulesExpected: 4,
    rulesPresent: 4,
    leaseAgeMs: 12,
  });
  assert.equal(addressFacts('192.0.2.99', blocks, undefined).rulesPresent, 3);
  assert.equal(addressFacts('2001:db8::10', blocks, undefined).rulesPresent, 0);
});

test('a table of iptables-nft that nobody uses is deleted chain by chain', () => {
  const [empty] = readListing(
    'table ip raw {\n\tchain PREROUTING {\n\t\ttype filter hook prerouting priority raw; policy accept;\n\t}\n}\n',
  );
  assert.ok(isUnused(empty!));
  assert.equal(dropText(empty!), 'delete chain ip raw PREROUTING\ndelete table ip raw\n');
  for (const used of [
    'policy drop;\n\t}\n}\n',
    'policy accept;\n\t\tcounter\n\t}\n}\n',
    'policy accept;\n\t}\n\n\tchain KUBE-SERVICES {\n\t}\n}\n',
  ]) {
    const text = `table ip raw {\n\tchain PREROUTING {\n\t\ttype filter hook prerouting priority raw; ${used}`;
    assert.ok(!isUnused(readListing(text)[0]!));
  }
});
