/**
 * A million replies forged at the sockets that wait for an upstream's answers, from real sockets and as fast as this machine
 * sends: with another id, another question, another sender. The forger here sees each question and knows the port, which an
 * attacker must guess. None of its replies reaches a client or the cache, and each question gets its true answer.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';

const PROGRAM = join(import.meta.dirname, '../support/fixtures/forging-upstream.ts');
const TRUE_ADDRESS = '192.0.2.1';
const FORGED_ADDRESS = '198.51.100.66';
/** Seven of eight questions provoke 480 forged replies, the eighth 8. */
const QUESTIONS_MAX = 2_400;
const AT_ONCE = 4;
const SECONDS = 30;

interface Forged {
  readonly id: number;
  readonly question: number;
  readonly source: number;
}

test('a million forged replies: none is accepted', async (t) => {
  const upstream = await startUpstream(t);
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  cache 300
  forward . 127.0.0.1:${upstream.port}
}
`,
  });
  const ask = async (index: number) => {
    const reply = await udpAsk(daemon.address, { name: `q${index}.example.org` });
    assert.deepEqual([reply.rcode, ...reply.data('A')], ['NOERROR', TRUE_ADDRESS]);
  };
  const startedAtMs = performance.now();
  let asked = 0;
  while (asked < QUESTIONS_MAX && performance.now() - startedAtMs < SECONDS * 1000) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => ask(asked++)));
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  // What is in the cache now is what everybody else would get.
  for (let index = 0; index < asked; index++) await ask(index);
  const scrape = await daemon.scrape();
  const forged = await upstream.stop();
  const count = forged.id + forged.question + forged.source;
  const moved = scrape.sum('zerohop_upstream_reasks_total', { reason: 'mismatch' });
  t.diagnostic(
    `${count} forged replies to ${asked} questions in ${seconds.toFixed(1)} s (${forged.id} with another id, ` +
      `${forged.question} with another question, ${forged.source} from another sender): 0 accepted, ` +
      `${moved} questions went over to TCP`,
  );
  assert(count > 100_000, `${count} forged`);
  assert(moved > asked / 2, `${moved} of ${asked} questions left the sockets that were guessed at`);
});

async function startUpstream(t: TestContext) {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, TRUE_ADDRESS, FORGED_ADDRESS], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout!);
  const [port] = (await once(lines, 'line')) as [string];
  const stop = async (): Promise<Forged> => {
    const told = once(lines, 'line');
    child.stdin!.end();
    return JSON.parse(((await told) as [string])[0]) as Forged;
  };
  return { port: Number(port), stop };
}
