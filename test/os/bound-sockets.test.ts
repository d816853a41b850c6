/** Who else is bound to an address, as /proc tells. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { isServedByOthers } from '../../src/os/bound-sockets.ts';
import { ProcFiles } from '../../src/os/proc-files.ts';

const PROC = new ProcFiles();

/** A port that another process is bound to, at this address. */
async function boundElsewhere(t: TestContext, host: string): Promise<number> {
  const type = host.includes(':') ? 'udp6' : 'udp4';
  const program = `const s = require('node:dgram').createSocket('${type}');
    s.bind(0, '${host}', () => console.log(s.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout!), 'line');
  return Number(line);
}

for (const [host, other] of [
  ['127.0.0.53', '127.0.0.54'],
  ['::1', '::2'],
] as const) {
  test(`another process at ${host} is seen, at ${other} it is not there`, async (t) => {
    const port = await boundElsewhere(t, host);
    assert.equal(isServedByOthers(PROC, host, port), true);
    assert.equal(isServedByOthers(PROC, other, port), false);
    assert.equal(isServedByOthers(PROC, host, port === 65535 ? 1 : port + 1), false);
  });
}

test('our own sockets are not others', async (t) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.53');
  t.after(() => socket.close());
  await once(socket, 'listening');
  assert.equal(isServedByOthers(PROC, '127.0.0.53', socket.address().port), false);
});
