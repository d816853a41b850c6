/** What server blocks of one port must agree on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundAddresses } from '../../src/directives/bind.ts';
import { checkOverlap } from '../../src/directives/listener-overlap.ts';
import { configsOf, failureOfFile } from './server-block.ts';

test('blocks that share nothing, or only a port, are accepted', () => {
  const corefiles = [
    'a.org b.org {\n}\n. {\n}',
    '.:53 {\n}\n.:1053 {\n}',
    '. {\n bind 192.0.2.1\n}\n. {\n bind 192.0.2.2\n}',
    '. {\n bind 192.0.2.1\n}\na.org {\n bind 192.0.2.1 192.0.2.2\n}',
    '. {\n bind 192.0.2.1\n}\n.:1053 {\n}',
    '. {\n bind 192.0.2.1 192.0.2.2 {\n except 192.0.2.1\n }\n}\n. {\n bind 192.0.2.1\n}',
  ];
  for (const corefile of corefiles) assert.doesNotThrow(() => configsOf(corefile), corefile);
});

test('one zone on one address is served by one block', () => {
  const cases: [string, string][] = [
    [
      '. {\n}\n.:53 {\n}',
      'Corefile:3:1: cannot serve .:53 on every address: it is served at Corefile:1:1 already',
    ],
    [
      'a.org A.org. {\n}',
      'Corefile:1:7: cannot serve a.org.:53 on every address: it is served at Corefile:1:1 already',
    ],
    [
      '10.0.0.0/8 {\n bind ::1\n}\n10.in-addr.arpa {\n bind lo 0:0::1\n}',
      'Corefile:4:1: cannot serve 10.in-addr.arpa.:53 on ::1: it is served at Corefile:1:1 already',
    ],
    [
      '. {\n bind lo\n}\n. {\n bind lo\n}',
      'Corefile:4:1: cannot serve .:53 on lo: it is served at Corefile:1:1 already',
    ],
  ];
  for (const [corefile, expected] of cases) assert.equal(failureOfFile(corefile), expected);
});

test('bind stands in all blocks of a port or in none', () => {
  assert.equal(
    failureOfFile('a.org {\n bind 127.0.0.1\n}\nb.org {\n}'),
    'Corefile:4:1: this block has no bind, that at Corefile:1:1 has one: expected it in all blocks of port 53 or in none',
  );
  assert.equal(
    failureOfFile('a.org {\n}\nb.org:1053 b.org {\n bind 127.0.0.1\n}'),
    'Corefile:3:12: this block has bind, that at Corefile:1:1 not: expected it in all blocks of port 53 or in none',
  );
});

test('once interfaces are known, their addresses are compared', () => {
  const configs = configsOf('. {\n bind lo\n}\n. {\n bind 127.0.0.1\n}');
  const lo = {
    address: '127.0.0.1',
    family: 'IPv4',
    netmask: '',
    mac: '',
    internal: true,
    cidr: null,
  } as const;
  assert.throws(
    () => checkOverlap(configs, (bind) => boundAddresses(bind, { lo: [lo] })),
    /Corefile:4:1: cannot serve \.:53 on 127\.0\.0\.1: it is served at Corefile:1:1 already/,
  );
});
