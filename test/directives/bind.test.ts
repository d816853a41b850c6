/** `bind`: words in the settings, addresses once interfaces are known. */
import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { CorefileError } from '../../src/corefile/ast.ts';
import { type BindOptions, boundAddresses, boundWords } from '../../src/directives/bind.ts';
import { configOf, failureOf } from './server-block.ts';

function info(address: string, family: 'IPv4' | 'IPv6'): NetworkInterfaceInfo {
  const rest = { netmask: '', mac: '', internal: false, cidr: null };
  return family === 'IPv4'
    ? { address, family, ...rest }
    : { address, family, scopeid: 2, ...rest };
}

const INTERFACES = {
  lo: [info('127.0.0.1', 'IPv4'), info('::1', 'IPv6')],
  eth0: [info('192.0.2.7', 'IPv4'), info('fe80::1', 'IPv6'), info('2001:db8::7', 'IPv6')],
};

function bind(lines: string): readonly BindOptions[] {
  return configOf(lines).bind!;
}

test('settings keep the words and their places', () => {
  const [options] = bind('bind lo 192.0.2.1 {\n except ::1\n}');
  assert.deepEqual(
    options!.to.map((word) => word.text),
    ['lo', '192.0.2.1'],
  );
  assert.deepEqual(options!.except[0], {
    text: '::1',
    at: { file: 'Corefile', line: 3, column: 9 },
  });
  assert.equal(configOf('errors').bind, undefined);
});

test('interfaces become their addresses, each once', () => {
  const cases: [string, string[]][] = [
    ['bind 1.2.3.4 ::5', ['1.2.3.4', '::5']],
    ['bind 1.2.3.4 lo', ['1.2.3.4', '127.0.0.1', '::1']],
    ['bind eth0', ['192.0.2.7', 'fe80::1%eth0', '2001:db8::7']],
    ['bind lo {\n except 127.0.0.1\n}', ['::1']],
    ['bind lo eth0 {\n except lo 2001:DB8:0::7\n}', ['192.0.2.7', 'fe80::1%eth0']],
    // `except` takes from its own line only.
    ['bind lo {\n except 127.0.0.1\n}\nbind 127.0.0.1 0:0::1', ['::1', '127.0.0.1']],
  ];
  for (const [lines, expected] of cases) {
    assert.deepEqual(boundAddresses(bind(lines), INTERFACES), expected, lines);
  }
  assert.deepEqual(boundWords(bind('bind lo eth9 0:0::1 {\n except eth9\n}')), ['lo', '::1']);
});

test('what is neither address nor interface is an error at its place', () => {
  assert.throws(
    () => boundAddresses(bind('bind ::1 noone'), INTERFACES),
    new CorefileError(
      { file: 'Corefile', line: 2, column: 10 },
      "'noone': expected an IP address or the name of an interface",
      'bind',
    ),
  );
  assert.throws(
    () => boundAddresses(bind('bind lo {\n except 127.0.0.1 ::1\n}'), INTERFACES),
    /expected an address that is left/,
  );
});

test('what CoreDNS refuses is refused', () => {
  assert.match(failureOf('bind'), /bind: expected at least one argument/);
  assert.match(failureOf('bind lo {\n only 1.2.3.4\n}'), /unknown option 'only': expected except/);
  assert.match(failureOf('bind lo {\n except lo\n}'), /expected an address that is left/);
});
