import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isEmpty,
  type Present,
  planRemoval,
  planRepair,
  restoreText,
  type Wanted,
  wantedLines,
} from '../../src/host/iptables-plan.ts';
import { readRules } from '../../src/host/iptables-text.ts';

const WANTED: Wanted = {
  addresses: ['192.0.2.10'],
  dnsPort: 53,
  healthPort: 8080,
  hasLease: true,
  hasTowardUs: false,
  hasNat: true,
  standBy: {
    addresses: ['192.0.2.10'],
    endpoints: [
      { address: '198.51.100.1', port: 53 },
      { address: '198.51.100.2', port: 1053 },
    ],
  },
};

const NOTHING: Present = { rules: [], endpointCount: undefined };

/** As `iptables -S` prints the rules of a text for iptables-restore. */
function listed(text: string): Present {
  let table = '';
  const rules = text.split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    const [, chain, rule] = /^-[AI] (\S+) (.*)$/.exec(line) ?? [];
    if (chain === undefined || chain === 'ZEROHOP-STANDBY') return [];
    const printed = rule!
      .replace(
        /^-p (\w+) (-[sd]) (\S+) (--\w+ \d+) -j (\S+) (.*)$/,
        '$2 $3/32 -p $1 -m $1 $4 $6 -j $5',
      )
      .replace(/^(-s \S+?)( -m conntrack.*) -j MASQUERADE (.*)$/, '$1/32$2 $3 -j MASQUERADE');
    return readRules(table, `-A ${chain} ${printed}`);
  });
  return { rules, endpointCount: 4 };
}

const FULL = restoreText(planRepair(WANTED, NOTHING));

test('the whole is one text, a transaction a table, with un-tracking last', () => {
  const comment = '-m comment --comment "NodeLocal DNS Cache: skip conntrack"';
  const lease = '-m recent --rcheck --seconds 3 --name ZEROHOP --mask 255.255.255.255 --rdest';
  const accept = '-m comment --comment "NodeLocal DNS Cache: allow DNS traffic"';
  const standBy = '-m comment --comment "Zerohop: kube-dns while the cache is away"';
  const kept = '-m comment --comment "Zerohop: connections stay with whom they began"';
  const midStream = '! --tcp-flags FIN,SYN,RST,ACK SYN';
  assert.equal(
    FULL,
    `*filter
-I INPUT -p tcp -d 192.0.2.10 --dport 53 -j ACCEPT ${accept}
-I INPUT -p udp -d 192.0.2.10 --dport 53 -j ACCEPT ${accept}
-I OUTPUT -p tcp -s 192.0.2.10 --sport 53 -j ACCEPT ${accept}
-I OUTPUT -p udp -s 192.0.2.10 --sport 53 -j ACCEPT ${accept}
COMMIT
*nat
:ZEROHOP-STANDBY - [0:0]
-I PREROUTING -p tcp -d 192.0.2.10 --dport 53 ${midStream} -j ACCEPT ${kept}
-I OUTPUT -p tcp -d 192.0.2.10 --dport 53 ${midStream} -j ACCEPT ${kept}
-A PREROUTING -p tcp -d 192.0.2.10 --dport 53 -j ZEROHOP-STANDBY ${standBy}
-A PREROUTING -p udp -d 192.0.2.10 --dport 53 -j ZEROHOP-STANDBY ${standBy}
-A OUTPUT ! -s 127.0.0.0/8 -p tcp -d 192.0.2.10 --dport 53 -j ZEROHOP-STANDBY ${standBy}
-A OUTPUT ! -s 127.0.0.0/8 -p udp -d 192.0.2.10 --dport 53 -j ZEROHOP-STANDBY ${standBy}
-A POSTROUTING -s 192.0.2.10 -m conntrack --ctstate DNAT -j MASQUERADE ${standBy}
-A ZEROHOP-STANDBY -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 198.51.100.1:53
-A ZEROHOP-STANDBY -p udp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 198.51.100.1:53
-A ZEROHOP-STANDBY -p tcp -j DNAT --to-destination 198.51.100.2:1053
-A ZEROHOP-STANDBY -p udp -j DNAT --to-destination 198.51.100.2:1053
COMMIT
*raw
-I PREROUTING -p tcp -d 192.0.2.10 --dport 53 -j NOTRACK ${comment} ${lease}
-I PREROUTING -p udp -d 192.0.2.10 --dport 53 -j NOTRACK ${comment} ${lease}
-I OUTPUT -p tcp -s 192.0.2.10 --sport 53 -j NOTRACK ${comment}
-I OUTPUT -p udp -s 192.0.2.10 --sport 53 -j NOTRACK ${comment}
-I OUTPUT -p tcp -d 192.0.2.10 --dport 53 -j NOTRACK ${comment} ${lease}
-I OUTPUT -p udp -d 192.0.2.10 --dport 53 -j NOTRACK ${comment} ${lease}
-I OUTPUT -p tcp -d 192.0.2.10 --dport 8080 -j NOTRACK ${comment}
-I OUTPUT -p tcp -s 192.0.2.10 --sport 8080 -j NOTRACK ${comment}
COMMIT
`,
  );
});

test('what iptables prints of it needs no repair', () => {
  const plan = planRepair(WANTED, listed(FULL));
  assert.deepEqual(plan.missing, []);
  assert.deepEqual(plan.superfluous, []);
  assert.ok(isEmpty(plan));
  assert.equal(restoreText(plan), '');
});

test('what is missing comes back, alone', () => {
  const present = listed(FULL);
  const rules = present.rules.filter(({ chain }) => chain !== 'INPUT');
  const plan = planRepair(WANTED, { ...present, rules });
  assert.deepEqual(
    plan.missing.map(({ table, chain }) => [table, chain]),
    [
      ['filter', 'INPUT'],
      ['filter', 'INPUT'],
    ],
  );
  assert.match(restoreText(plan), /^\*filter\n(-I INPUT .*\n){2}COMMIT\n$/);
});

test('strays and duplicates go, word for word as they were printed', () => {
  const present = listed(FULL);
  const strays = [
    // Before 1.22.19 without comment; today’s without lease; ours twice.
    readRules('raw', '-A PREROUTING -d 192.0.2.10/32 -p udp -m udp --dport 53 -j CT --notrack'),
    readRules('raw', '-A OUTPUT -s 192.0.2.10/32 -p tcp -m tcp --sport 8080 -j NOTRACK'),
    readRules('filter', '-A INPUT -d 192.0.2.10/32 -p tcp -m tcp --dport 53 -j ACCEPT'),
    readRules(
      'raw',
      '-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 53 -m comment --comment "NodeLocal DNS Cache: skip conntrack" -j NOTRACK',
    ),
    [present.rules[0]!],
  ].flat();
  const plan = planRepair(WANTED, { ...present, rules: [...present.rules, ...strays] });
  assert.deepEqual(plan.superfluous, strays);
  assert.deepEqual(plan.missing, []);
  for (const { chain, arguments: text } of strays) {
    assert.ok(restoreText(plan).includes(`-D ${chain} ${text}\n`));
  }
});

test('rules of others stay', () => {
  const present = listed(FULL);
  const others = [
    readRules('raw', '-A PREROUTING -d 192.0.2.11/32 -p udp -m udp --dport 53 -j NOTRACK'),
    readRules('raw', '-A PREROUTING -d 192.0.2.10/32 -p udp -m udp --dport 5353 -j NOTRACK'),
    readRules('raw', '-A PREROUTING -d 192.0.2.0/24 -p udp -m udp --dport 53 -j NOTRACK'),
    readRules('raw', '-A PREROUTING ! -d 192.0.2.10/32 -p udp -m udp --dport 53 -j NOTRACK'),
    readRules('raw', '-A PREROUTING -i eth0 -d 192.0.2.10/32 -p udp -m udp --dport 53 -j NOTRACK'),
    readRules('filter', '-A INPUT -d 192.0.2.10/32 -p udp -m udp --dport 53 -j DROP'),
    readRules(
      'filter',
      '-A INPUT -s 203.0.113.0/24 -d 192.0.2.10/32 -p udp -m udp --dport 53 -j ACCEPT',
    ),
    readRules(
      'filter',
      '-A INPUT -d 192.0.2.10/32 -p udp -m udp --dport 53 -m comment --comment "the operator’s" -j ACCEPT',
    ),
    readRules('filter', '-A INPUT -j KUBE-FIREWALL'),
    readRules(
      'nat',
      '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    ),
  ].flat();
  const rules = [...others, ...present.rules];
  assert.ok(isEmpty(planRepair(WANTED, { ...present, rules })));
  const removed = planRemoval(WANTED, { ...present, rules }).superfluous;
  assert.deepEqual(removed, present.rules);
});

test('without a lease the rules toward us stand only when they are granted', () => {
  const plain = { ...WANTED, hasLease: false };
  assert.equal(wantedLines(plain).length, 8 + 7);
  const granted = wantedLines({ ...plain, hasTowardUs: true });
  assert.equal(granted.length, 12 + 7);
  assert.ok(granted.every((line) => !line.arguments.includes('recent')));
  const present = listed(restoreText(planRepair({ ...plain, hasTowardUs: true }, NOTHING)));
  const withdrawn = planRepair(plain, present);
  assert.equal(withdrawn.superfluous.length, 4);
  assert.deepEqual(withdrawn.missing, []);
});

test('the stand-by goes when it is turned off, and its chain with it', () => {
  const plan = planRepair({ ...WANTED, standBy: undefined }, listed(FULL));
  assert.equal(plan.superfluous.length, 5);
  assert.match(restoreText(plan), /-F ZEROHOP-STANDBY\n-X ZEROHOP-STANDBY\nCOMMIT\n$/);
});

test('an emptied chain of endpoints is filled; another daemon’s endpoints stay', () => {
  const present = listed(FULL);
  assert.equal(planRepair(WANTED, { ...present, endpointCount: 0 }).endpoints?.length, 4);
  assert.equal(planRepair(WANTED, { ...present, endpointCount: 2 }).endpoints, undefined);
});

test('IPv6 has its own list, mask and brackets', () => {
  const text = restoreText(
    planRepair(
      {
        ...WANTED,
        addresses: ['2001:db8::10'],
        standBy: {
          addresses: ['2001:db8::10'],
          endpoints: [{ address: '2001:db8:1::2', port: 53 }],
        },
      },
      NOTHING,
    ),
  );
  assert.match(text, /--name ZEROHOP6 --mask (ffff:){7}ffff --rdest/);
  assert.match(text, /-p udp -j DNAT --to-destination \[2001:db8:1::2\]:53\n/);
});
