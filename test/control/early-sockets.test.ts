/** Sockets for addresses that are not there yet: which are opened, and that the servers can take them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interfacesWith, openEarly } from '../../src/control/early-sockets.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { describeSocket } from '../../src/os/udp-socket.ts';
import { AdoptedSockets } from '../../src/server/adopted-sockets.ts';
import { configsOf } from '../directives/server-block.ts';
import { freePorts } from '../support/free-port.ts';

const libc = requireLibc();
const [PORT] = (await freePorts(1)) as [number];
const OWN = '192.0.2.10';
const OPTIONS = { libc, addresses: [OWN, '2001:db8::a'], interfaceName: 'cache0', udpCount: 2 };

function serversOf(lines: string) {
  return configsOf(`.:${PORT} {\n${lines}\n}`);
}

/** What a block with this `bind` gets, as text; every socket is closed again. */
function early(bind: string, adopted = new AdoptedSockets()): string[] {
  openEarly(adopted, serversOf(bind), OPTIONS);
  return adopted.left().map(({ fd, text, isHandedOver }) => {
    assert.equal(isHandedOver, false);
    const { type, address } = describeSocket(libc, fd)!;
    assert.ok(text.startsWith(type) && text.includes(address.host));
    libc.close(fd);
    return text;
  });
}

test('what the blocks bind of the addresses: UDP for each responder, TCP once', () => {
  const opened = early(`bind ${OWN}`);
  assert.deepEqual(opened, [`udp ${OWN}:${PORT}`, `udp ${OWN}:${PORT}`, `tcp ${OWN}:${PORT}`]);
});

test('an interface that is not there yet stands for them', () => {
  assert.equal(early('bind cache0').length, 6);
});

test('other addresses, and every address, are not opened early', () => {
  assert.deepEqual(early('bind 127.0.0.1'), []);
  assert.deepEqual(early('errors'), []);
});

test('what was handed over is not opened a second time', () => {
  const adopted = new AdoptedSockets();
  adopted.add('udp', OWN, PORT, -1);
  openEarly(adopted, serversOf(`bind ${OWN}`), OPTIONS);
  const left = adopted.left();
  assert.deepEqual(
    left.map(({ text, isHandedOver }) => [text, isHandedOver]),
    [
      [`udp ${OWN}:${PORT}`, true],
      [`tcp ${OWN}:${PORT}`, false],
    ],
  );
  for (const { fd, isHandedOver } of left) if (!isHandedOver) libc.close(fd);
});

test('our interface has its own addresses and those that are there', () => {
  const addressesOf = (name: string) =>
    interfacesWith(name, [OWN])[name]!.map(({ address }) => address);
  assert.deepEqual(addressesOf('cache0'), [OWN]);
  assert.ok(addressesOf('lo').includes('127.0.0.1') && addressesOf('lo').includes(OWN));
});
