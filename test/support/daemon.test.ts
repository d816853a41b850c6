/**
 * The helper that starts the daemon, tried on a program that takes the daemon's flags and logs as it does.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { StandIn } from '../../src/cli/stand-in/stand-in.ts';
import { type DaemonOptions, startDaemon } from './daemon.ts';
import { udpAsk } from './dns-client.ts';

const OPTIONS: DaemonOptions = {
  corefile: ({ dns }) => `${dns}`,
  program: join(import.meta.dirname, 'fixtures/stand-in-daemon.ts'),
};

test('starts, serves, is scraped, reloads and ends with its exit code', async (t) => {
  const daemon = await startDaemon(t, { ...OPTIONS, backend: 'dgram' });
  assert.deepEqual(daemon.log, ['koffi off', 'Zerohop-0.0.0']);
  assert.equal((await udpAsk(daemon.address, { name: 'example.org' })).rcode, 'NOERROR');
  const scrape = await daemon.scrape();
  assert.equal(scrape.value('coredns_dns_requests_total', { proto: 'udp' }), 1);
  assert.match(await daemon.reloadWith(({ dns }) => `${dns}`), /complete/);
  assert.match(await daemon.reloadWith('no Corefile'), /reload failed/);
  assert.equal(await daemon.stop(), 3);
});

test('rejects with the log when the program ends before it serves', async (t) => {
  const failing = startDaemon(t, { ...OPTIONS, corefile: 'no port' });
  await assert.rejects(failing, /exit 1 from the daemon, which logged:\n.*not a port/s);
});

test('starts a second time, with other ports, where a port is taken', async (t) => {
  const other = await StandIn.start();
  t.after(() => other.close());
  const tried: number[] = [];
  const corefile: DaemonOptions['corefile'] = ({ dns }) => {
    tried.push(dns);
    return `${tried.length === 1 ? other.port : dns}`;
  };
  const daemon = await startDaemon(t, { ...OPTIONS, corefile });
  assert.equal(daemon.address.port, tried[1]);
});

test('ends by a signal as after a crash', async (t) => {
  const daemon = await startDaemon(t, OPTIONS);
  await daemon.kill();
  await assert.rejects(daemon.scrape());
});
