/**
 * Upstreams that fail in every way that one can, as clients see it: each fault over UDP and over TCP, of the only upstream and
 * of one of three. What is promised: where another path works nobody waits for a silent upstream longer than a second;
 * where none does, SERVFAIL comes within 4 s, before stubs give up; a failure is never remembered, and once the
 * upstream is well again, so are answers within a second.
 *
 * One daemon serves all cases, each in a server block of its own: a `forward` shares nothing with another.
 */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { type Handler, ScriptedUpstream } from '../support/scripted-upstream.ts';

const ADDRESS = '192.0.2.1';
const WRONG_ADDRESS = '198.51.100.66';
/** Stub resolvers give up at 5 s; ours answers by 4, and a reply takes its time to a loaded test process. */
const DEADLINE_MS = 4300;
const PATIENCE_MS = 1000;
const QUERIES = 24;
const QUERY_INTERVAL_MS = 10;

const wellBehaved: Handler = (query) => addresses(query, ADDRESS);

interface Fault {
  readonly handler: Handler;
  /** Clients get right answers even where it is the only upstream. */
  readonly isHarmless?: true;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  reset: { handler: () => 'reset' },
  fin: { handler: () => 'fin' },
  stall: { handler: () => 'drop' },
  late: {
    handler: (query) => ({ delayMs: 1500, reply: addresses(query, ADDRESS) }),
    isHarmless: true,
  },
  doubled: {
    handler: (query) => [addresses(query, ADDRESS), addresses(query, ADDRESS)],
    isHarmless: true,
  },
  'wrong id': {
    handler: (query) => ({ ...addresses(query, WRONG_ADDRESS), id: query.decoded.id ^ 0x5555 }),
  },
  'other question': {
    handler: (query) => ({
      ...addresses(query, WRONG_ADDRESS),
      questions: [{ type: 'A', class: 'IN', name: 'other.example.org' }],
    }),
  },
  garbage: { handler: () => Buffer.from('not a DNS message at all') },
};

interface Case {
  readonly zone: string;
  readonly title: string;
  readonly fault: Fault;
  readonly isTcp: boolean;
  readonly upstreams: readonly ScriptedUpstream[];
}

interface Outcome {
  readonly rcode: string;
  readonly address: unknown;
  readonly latencyMs: number;
}

suite('an upstream fails', { concurrency: true }, async () => {
  const cleanUps: (() => unknown)[] = [];
  const suiteScope = { after: (cleanUp: () => unknown) => void cleanUps.push(cleanUp) };
  const cases = await createCases(suiteScope as TestContext);
  const daemon = await startDaemon(suiteScope as TestContext, {
    corefile: ({ dns }) => cases.map((item) => blockOf(item, dns)).join(''),
  });
  let running = cases.length;
  for (const item of cases) {
    test(item.title, async (t) => {
      try {
        await play(t, daemon, item);
      } finally {
        running -= 1;
        if (running === 0) for (const cleanUp of cleanUps) await cleanUp();
      }
    });
  }
});

async function play(t: TestContext, daemon: Daemon, item: Case): Promise<void> {
  const well = await askSome(daemon, `well.${item.zone}`);
  for (const { rcode, address } of well) assert.deepEqual([rcode, address], ['NOERROR', ADDRESS]);
  item.upstreams[0]!.handler = item.fault.handler;
  const ill = await askSome(daemon, `ill.${item.zone}`);
  const worstMs = Math.max(...ill.map(({ latencyMs }) => latencyMs));
  const failed = ill.filter(({ rcode }) => rcode !== 'NOERROR').length;
  item.upstreams[0]!.handler = wellBehaved;
  const healedAt = performance.now();
  const recoveryMs = (await whenAnswered(daemon, item.zone)) - healedAt;
  const again = await askSome(daemon, `ill.${item.zone}`);
  t.diagnostic(
    `well ${median(well)} ms; ill: median ${median(ill)}, worst ${worstMs.toFixed()} ms, ` +
      `${failed} of ${ill.length} failed; recovered after ${recoveryMs.toFixed()} ms`,
  );
  for (const { rcode, address } of ill) {
    if (rcode !== 'SERVFAIL') assert.deepEqual([rcode, address], ['NOERROR', ADDRESS]);
  }
  const isAnswerable = item.upstreams.length > 1 || item.fault.isHarmless;
  if (isAnswerable) assert.equal(failed, 0);
  assert(worstMs < (item.upstreams.length > 1 ? PATIENCE_MS : DEADLINE_MS), `${worstMs} ms`);
  assert(recoveryMs < PATIENCE_MS, `recovered after ${recoveryMs} ms`);
  for (const { rcode } of again) assert.equal(rcode, 'NOERROR');
}

async function askSome(daemon: Daemon, zone: string): Promise<Outcome[]> {
  const asked: Promise<Outcome>[] = [];
  for (let index = 0; index < QUERIES; index++) {
    asked.push(ask(daemon, `q${index}.${zone}`));
    await pause(QUERY_INTERVAL_MS);
  }
  return Promise.all(asked);
}

async function ask(daemon: Daemon, name: string): Promise<Outcome> {
  const askedAt = performance.now();
  const reply = await udpAsk(daemon.address, { name }, { timeoutMs: 8000 });
  const latencyMs = performance.now() - askedAt;
  return { rcode: reply.rcode, address: reply.data('A')[0], latencyMs };
}

/** The time when the first of a row of new names was answered, one asked every 20 ms. */
async function whenAnswered(daemon: Daemon, zone: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let isOver = false;
  for (let index = 0; !isOver && index < 400; index++) {
    void ask(daemon, `again${index}.${zone}`).then(({ rcode }) => {
      if (rcode !== 'NOERROR') return;
      isOver = true;
      resolve(performance.now());
    });
    await pause(20);
  }
  return promise;
}

async function createCases(scope: TestContext): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [name, fault] of Object.entries(FAULTS)) {
    for (const isTcp of [false, true]) {
      // Over UDP there is no connection to end.
      if (!isTcp && (name === 'reset' || name === 'fin')) continue;
      for (const count of [1, 3]) {
        const start = () => ScriptedUpstream.start(scope, wellBehaved);
        const upstreams = await Promise.all(Array.from({ length: count }, start));
        const title = `${name}, ${isTcp ? 'TCP' : 'UDP'}, ${count === 1 ? 'the only one' : 'one of three'}`;
        cases.push({ zone: `c${cases.length}.test`, title, fault, isTcp, upstreams });
      }
    }
  }
  return cases;
}

function blockOf({ zone, isTcp, upstreams }: Case, port: number): string {
  const to = upstreams.map((upstream) => `127.0.0.1:${upstream.port}`).join(' ');
  const options = isTcp ? '{\n    force_tcp\n  }' : '';
  return `${zone}:${port} {
  bind 127.0.0.1
  cache 30
  forward . ${to} ${options}
}
`;
}

function median(outcomes: readonly Outcome[]): string {
  const sorted = outcomes.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!.toFixed(1);
}
