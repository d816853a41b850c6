/** Placeholders of a manifest: filled in as by sed, but for comments; what has no value goes with what joins it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillManifest, leftOverIn, placeholdersIn } from '../../src/rendering/manifest.ts';

const NONE = {
  localDns: undefined,
  dnsServer: undefined,
  domain: undefined,
  image: undefined,
  secondLocalDns: undefined,
  secondDnsServer: undefined,
  kubeDns: undefined,
};
const LISTS = `- __PILLAR__LOCAL__DNS__,__ZEROHOP__SECOND__LOCAL__DNS__,__PILLAR__DNS__SERVER__,__ZEROHOP__SECOND__DNS__SERVER__
bind __PILLAR__LOCAL__DNS__ __ZEROHOP__SECOND__LOCAL__DNS__ __PILLAR__DNS__SERVER__ __ZEROHOP__SECOND__DNS__SERVER__`;

test('all of them', () => {
  const values = {
    ...NONE,
    localDns: '169.254.20.10',
    secondLocalDns: 'fd00:53::10',
    dnsServer: '10.96.0.10',
    secondDnsServer: 'fd00::a',
  };
  const list = ['169.254.20.10', 'fd00:53::10', '10.96.0.10', 'fd00::a'];
  assert.equal(fillManifest(LISTS, values), `- ${list.join(',')}\nbind ${list.join(' ')}`);
});

test('without values', () => {
  const values = { ...NONE, localDns: '169.254.20.10' };
  assert.equal(fillManifest(LISTS, values), '- 169.254.20.10\nbind 169.254.20.10');
});

test('an IPv6 address before a port', () => {
  const text = 'health __PILLAR__LOCAL__DNS__:8080\nhost: __PILLAR__LOCAL__DNS__';
  const filled = fillManifest(text, { ...NONE, localDns: 'fd00::1' });
  assert.equal(filled, 'health [fd00::1]:8080\nhost: fd00::1');
});

test('a value is text, whatever it holds', () => {
  const filled = fillManifest('image: __ZEROHOP__IMAGE__', { ...NONE, image: "$&$'x" });
  assert.equal(filled, "image: $&$'x");
});

test('comments stay, and count for nothing', () => {
  const text = '# __PILLAR__LOCAL__DNS__ is the address\n  # __PILLAR__X__';
  assert.equal(fillManifest(text, { ...NONE, localDns: '192.0.2.1' }), text);
  assert.deepEqual([...placeholdersIn(text)], []);
  assert.deepEqual(leftOverIn(text), []);
});

test('what is there, and what nobody fills in', () => {
  assert.deepEqual([...placeholdersIn(LISTS)].sort(), [
    'dnsServer',
    'localDns',
    'secondDnsServer',
    'secondLocalDns',
  ]);
  const text = 'forward . __PILLAR__CLUSTER__DNS__ __PILLAR__UPSTREAM__SERVERS__ __PILLAR__OTHER__';
  assert.deepEqual(leftOverIn(`${text}\n${text}`), ['__PILLAR__OTHER__']);
});
