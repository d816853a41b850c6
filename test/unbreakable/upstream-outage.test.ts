/**
 * Upstreams that vanish while 5,000 questions a second come in, and come back. Promised: where another upstream is well,
 * nobody waits a second; where none is, what a dead one gets asked is bounded from the first failure on, and its return is noticed within a
 * second; nothing that failed is remembered.
 *
 * Stopped (SIGSTOP): the kernel still takes connections and datagrams, nobody reads them. Killed: connections are reset, new
 * ones refused, datagrams answered with ICMP.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { runLoad } from '../support/load.ts';
import { UpstreamProcess } from '../support/upstream-process.ts';

const RATE = 5000;
const PROBE_INTERVAL_MS = 20;
const WELL_MS = 1500;
/** Longer than the first questions take to time out, and to be asked again or given up. */
const OUTAGE_ALONE_MS = 5500;
const OUTAGE_AMONG_OTHERS_MS = 2500;
/** Trials, seven in the first second and then four, and health checks: two a second at most. */
const ASKED_PER_SECOND_MAX = 25;
/** All that an upstream may have. */
const CONNECTIONS_MAX = 64;
/** By 4 s, and a reply takes its time to a loaded machine. */
const DEADLINE_MS = 4500;
const RECOVERY_MS = 1000;

interface Outage {
  /** From then on a question is known to be late or lost; until then nobody can know. */
  readonly firstFailureMs: number;
  /** From the outage to the first failure. */
  readonly dialsMax: number;
  readonly begin: (upstream: UpstreamProcess) => void | Promise<void>;
  readonly end: (upstream: UpstreamProcess) => void | Promise<void>;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  stopped: {
    // A question is late after 500 ms at the latest.
    firstFailureMs: 700,
    dialsMax: CONNECTIONS_MAX,
    begin: (upstream) => upstream.stop(),
    end: (upstream) => upstream.goOn(),
  },
  killed: {
    firstFailureMs: 200,
    dialsMax: ASKED_PER_SECOND_MAX,
    begin: (upstream) => upstream.kill(),
    end: (upstream) => upstream.restart(),
  },
};

interface Sample {
  readonly askedAtMs: number;
  readonly latencyMs: number;
  readonly rcode: string;
}

const CASES: readonly [count: 1 | 3, how: string, transport: 'UDP' | 'TCP'][] = [
  [1, 'stopped', 'UDP'],
  [1, 'stopped', 'TCP'],
  [1, 'killed', 'UDP'],
  [1, 'killed', 'TCP'],
  [3, 'stopped', 'UDP'],
  [3, 'stopped', 'TCP'],
  [3, 'killed', 'TCP'],
];

for (const [count, how, transport] of CASES) {
  const who = count === 1 ? 'the only upstream' : 'one of three upstreams';
  test(`${who} is ${how}, over ${transport}`, (t) =>
    play(t, OUTAGES[how]!, transport === 'TCP', count));
}

async function play(t: TestContext, outage: Outage, isTcp: boolean, count: number): Promise<void> {
  const start = () => UpstreamProcess.start(t);
  const upstreams = await Promise.all(Array.from({ length: count }, start));
  const ill = upstreams[0]!;
  const outageMs = count === 1 ? OUTAGE_ALONE_MS : OUTAGE_AMONG_OTHERS_MS;
  const daemon = await startDaemon(t, { corefile: ({ dns }) => corefile(dns, upstreams, isTcp) });
  const loadSeconds = (WELL_MS + outageMs + RECOVERY_MS) / 1000;
  const load = runLoad(t, daemon.ports.dns, {
    rate: RATE,
    seconds: loadSeconds,
    names: RATE * loadSeconds,
    order: 'once',
    timeout: 5,
  });
  const client = new ProbingClient(daemon);
  await pause(WELL_MS);
  const well = await asked(daemon, ill);
  const illAtMs = performance.now();
  await outage.begin(ill);
  await pause(outage.firstFailureMs);
  const failing = await asked(daemon, ill);
  await pause(outageMs - outage.firstFailureMs);
  const failed = await asked(daemon, ill);
  await outage.end(ill);
  const healedAtMs = performance.now();
  // A start that takes its time may outlast the load.
  await pause(RECOVERY_MS);
  const report = await load;
  const samples = await client.stop();
  const seconds = (failed.atMs - failing.atMs) / 1000;
  const rate = (failed.count - failing.count) / seconds;
  const dials = (failed.dials - failing.dials) / seconds;
  const firstDials = failing.dials - well.dials;
  const worstMs = Math.max(
    ...within(samples, illAtMs - 300, healedAtMs).map(({ latencyMs }) => latencyMs),
  );
  const recoveryMs = recoveredAtMs(samples, healedAtMs) - healedAtMs;
  const lost = samples.filter(({ rcode }) => rcode !== 'NOERROR').length;
  t.diagnostic(
    `worst ${worstMs.toFixed()} ms, ${lost} of ${samples.length} failed; dialled ${firstDials} times until the ` +
      `first failure, then asked ${rate.toFixed(1)} and dialled ${dials.toFixed(1)} times a second; ` +
      `recovered after ${recoveryMs.toFixed()} ms; load ${JSON.stringify(report.rcodes)}, ${report.lost} lost`,
  );
  assert(firstDials <= outage.dialsMax, `${firstDials} dials`);
  assert(rate <= ASKED_PER_SECOND_MAX && dials <= ASKED_PER_SECOND_MAX, `${rate}, ${dials}`);
  assert.equal(report.lost, 0);
  assert.equal(report.wrongBy['address'] ?? 0, 0);
  if (count > 1) {
    assert.equal(lost, 0);
    assert(worstMs < RECOVERY_MS, `${worstMs} ms`);
    assert.deepEqual(Object.keys(report.rcodes), ['NOERROR']);
  } else {
    assert(worstMs < DEADLINE_MS, `${worstMs} ms`);
    assert(recoveryMs < RECOVERY_MS, `${recoveryMs} ms`);
    await forgets(daemon, samples.length);
  }
}

/** Every name of the probing client answers now, also those that failed. */
async function forgets(daemon: Daemon, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const reply = await udpAsk(daemon.address, { name: nameOf(index) });
    assert.equal(reply.rcode, 'NOERROR', nameOf(index));
  }
}

/** Asks for a new name every 20 ms, whatever comes. */
class ProbingClient {
  readonly #daemon: Daemon;
  readonly #samples: Promise<Sample>[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
    this.#timer = setInterval(() => {
      this.#samples.push(this.#ask(nameOf(this.#samples.length)));
    }, PROBE_INTERVAL_MS);
  }

  stop(): Promise<Sample[]> {
    clearInterval(this.#timer);
    return Promise.all(this.#samples);
  }

  async #ask(name: string): Promise<Sample> {
    const askedAtMs = performance.now();
    const reply = await udpAsk(this.#daemon.address, { name }, { timeoutMs: 8000 });
    return { askedAtMs, latencyMs: performance.now() - askedAtMs, rcode: reply.rcode };
  }
}

function nameOf(index: number): string {
  return `probe${index}.example.org`;
}

function within(samples: readonly Sample[], fromMs: number, toMs: number): Sample[] {
  return samples.filter(({ askedAtMs }) => askedAtMs >= fromMs && askedAtMs < toMs);
}

function recoveredAtMs(samples: readonly Sample[], healedAtMs: number): number {
  const answered = samples.filter(({ rcode }) => rcode === 'NOERROR');
  const times = answered.map(({ askedAtMs, latencyMs }) => askedAtMs + latencyMs);
  return Math.min(...times.filter((atMs) => atMs > healedAtMs));
}

/** What the daemon has sent to this upstream, and dialled, so far. */
async function asked(daemon: Daemon, { to }: UpstreamProcess) {
  const scrape = await daemon.scrape();
  return {
    atMs: performance.now(),
    count: scrape.sum('zerohop_upstream_queries_written_total', { to }),
    dials: scrape.sum('coredns_proxy_conn_cache_misses_total', { to }),
  };
}

function corefile(port: number, upstreams: readonly UpstreamProcess[], isTcp: boolean): string {
  return `.:${port} {
  bind 127.0.0.1
  errors
  cache 30
  forward . ${upstreams.map(({ to }) => to).join(' ')} {
    ${isTcp ? 'force_tcp' : ''}
  }
}
`;
}
