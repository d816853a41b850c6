/**
 * Every way to end ends, and with node-cache's exit code, while responders wait in a system call: a thread that sat there
 * for good would hang the exit of the whole process.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { corefile } from './corefiles.ts';
import { preload } from './preload.ts';

/** Serves, has answered a query, and runs `statement` at SIGUSR2. */
async function startServing(t: TestContext, responders: number, statement = ''): Promise<Daemon> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const daemon = await startDaemon(t, {
    corefile: corefile({ upstream: upstream.port }),
    args: ['-responders', String(responders)],
    nodeFlags: [preload('main', `process.on('SIGUSR2', () => { ${statement} });`)],
  });
  assert.deepEqual(await askForAddress(daemon), ['192.0.2.1']);
  return daemon;
}

async function askForAddress(daemon: Daemon): Promise<unknown[]> {
  return (await udpAsk(daemon.address, { name: 'www.example.org' })).data('A');
}

/** How long an end may take: the responders' time-out and twice as much again, on a loaded machine. */
const END_TIMEOUT_MS = 2500;

interface Ending {
  readonly signals: readonly NodeJS.Signals[];
  /** What SIGUSR2 runs. */
  readonly statement?: string;
  readonly status: number | NodeJS.Signals;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  SIGTERM: { signals: ['SIGHUP', 'SIGTERM'], status: 0 },
  SIGINT: { signals: ['SIGINT'], status: 0 },
  SIGQUIT: { signals: ['SIGQUIT'], status: 0 },
  'process.exit': { signals: ['SIGUSR2'], statement: 'process.exit(7)', status: 7 },
  'process.abort': { signals: ['SIGUSR2'], statement: 'process.abort()', status: 'SIGABRT' },
  'an uncaught exception': {
    signals: ['SIGUSR2'],
    statement: 'throw new Error("provoked")',
    status: 1,
  },
  'an unhandled rejection': {
    signals: ['SIGUSR2'],
    statement: 'Promise.reject(new Error("provoked"))',
    status: 1,
  },
};

for (const responders of [1, 3]) {
  for (const [name, { signals, statement, status }] of Object.entries(ENDINGS)) {
    test(`${name} ends the daemon with ${responders} responders`, async (t) => {
      const daemon = await startServing(t, responders, statement);
      for (const signal of signals) daemon.signal(signal);
      assert.equal(await daemon.exited(END_TIMEOUT_MS), status);
      const isProvoked = statement?.includes('provoked') ?? false;
      assert.equal(
        daemon.log.some((line) => line.includes('provoked')),
        isProvoked,
      );
    });
  }
}
