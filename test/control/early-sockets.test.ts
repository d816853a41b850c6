/** Sockets for addresses that are not there yet: which are opened, and that the servers can take them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarlySockets, interfacesWith } from '../../src/control/early-sockets.ts';
import { boundSockets } from '../../src/os/bound-sockets.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { ProcFiles } from '../../src/os/proc-files.ts';
import { describeSocket } from '../../src/os/udp-socket.ts';
import { AdoptedSockets } from '../../src/server/adopted-sockets.ts';
import { configsOf } from '../directives/server-block.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const libc = requireLibc();
const [PORT] = (await freePorts(1)) as [number];
const OWN = '192.0.2.10';
const OPTIONS = {
  libc,
  addresses: [OWN, '2001:db8::a'],
  interfaceName: 'cache0',
  socketCount: 2,
  isServedByOthers: () => false,
};

function serversOf(lines: string) {
  return configsOf(`.:${PORT} {\n${lines}\n}`);
}

/** What a block with this `bind` gets, as text; every socket is closed again. */
function early(bind: string, adopted = new AdoptedSockets()): string[] {
  assert.deepEqual(new EarlySockets(adopted, OPTIONS).open(serversOf(bind)), []);
  return adopted.left().map(({ fd, text, isHandedOver }) => {
    assert.equal(isHandedOver, false);
    const { type, address } = describeSocket(libc, fd)!;
    assert.ok(text.startsWith(type) && text.includes(address.host));
    libc.close(fd);
    return text;
  });
}

test('what the blocks bind of the addresses: UDP and TCP for each responder', () => {
  const [udp, tcp] = [`udp ${OWN}:${PORT}`, `tcp ${OWN}:${PORT}`];
  assert.deepEqual(early(`bind ${OWN}`), [udp, udp, tcp, tcp]);
});

test('an interface that is not there yet stands for them', () => {
  assert.equal(early('bind cache0').length, 8);
});

test('other addresses, and every address, are not opened early', () => {
  assert.deepEqual(early('bind 127.0.0.1'), []);
  assert.deepEqual(early('errors'), []);
});

test('what was handed over is not opened a second time', () => {
  const adopted = new AdoptedSockets();
  adopted.add('udp', OWN, PORT, -1);
  new EarlySockets(adopted, OPTIONS).open(serversOf(`bind ${OWN}`));
  const left = adopted.left();
  assert.deepEqual(
    left.map(({ text, isHandedOver }) => [text, isHandedOver]),
    [
      [`udp ${OWN}:${PORT}`, true],
      [`tcp ${OWN}:${PORT}`, false],
      [`tcp ${OWN}:${PORT}`, false],
    ],
  );
  for (const { fd, isHandedOver } of left) if (!isHandedOver) libc.close(fd);
});

test('where another process serves, nothing is opened until it leaves; meanwhile it sees that it is not alone', async (t) => {
  let isServed = true;
  const adopted = new AdoptedSockets();
  const isServedByOthers = (host: string) => isServed && host === OWN;
  const early = new EarlySockets(adopted, { ...OPTIONS, isServedByOthers });
  t.after(() => early.end());
  const shared = early.open(serversOf('bind cache0'));
  assert.deepEqual(shared, [{ host: OWN, port: PORT }]);
  const ofOthers = () => adopted.left().filter(({ text }) => !text.includes(OWN));
  assert.equal(ofOthers().length, 4);
  const parked = () => boundSockets(new ProcFiles(), ['udp']).filter(({ host }) => host === OWN);
  assert.equal(parked().length, 1);
  assert.equal(adopted.has('udp', OWN, PORT), false);
  isServed = false;
  await until('its sockets', async () => adopted.has('udp', OWN, PORT));
  assert.equal(parked().length, 2);
  assert.equal(adopted.has('tcp', OWN, PORT), true);
  for (const { fd } of adopted.left()) libc.close(fd);
});

test('a parked socket goes when the servers serve', (t) => {
  const adopted = new AdoptedSockets();
  const early = new EarlySockets(adopted, { ...OPTIONS, isServedByOthers: () => true });
  t.after(() => early.end());
  early.open(serversOf(`bind ${OWN}`));
  early.end();
  early.close();
  assert.deepEqual(adopted.left(), []);
  assert.deepEqual(
    boundSockets(new ProcFiles(), ['udp']).filter(({ host }) => host === OWN),
    [],
  );
});

test('our interface has its own addresses and those that are there', () => {
  const addressesOf = (name: string) =>
    interfacesWith(name, [OWN])[name]!.map(({ address }) => address);
  assert.deepEqual(addressesOf('cache0'), [OWN]);
  assert.ok(addressesOf('lo').includes('127.0.0.1') && addressesOf('lo').includes(OWN));
});
