/**
 * `npm start` as a newcomer meets it: a child process on free ports; and the parts of it that a pipe does not show.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { Display } from '../../src/cli/demo-display.ts';
import { Figures, type Totals } from '../../src/cli/demo-figures.ts';
import { readOptions } from '../../src/cli/demo-options.ts';
import { DURATION_BUCKETS } from '../../src/metrics/counter-words.ts';
import { within } from '../support/deadline.ts';
import { TcpClient, tcpAsk, UdpClient, udpAsk } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { Scrape } from '../support/prometheus-text.ts';
import type { CleanUp } from '../support/temporary-directory.ts';

const PROGRAM = join(import.meta.dirname, '../../src/cli/demo.ts');
const START_TIMEOUT_MS = 15_000;
/** The end is promised within a second; a loaded machine takes longer, the daemon's own patience is 5 s. */
const END_TIMEOUT_MS = 3000;
const NO_KOFFI = { ZEROHOP_NO_KOFFI: '1' };

/** A demonstration on these ports, running or about to fail. */
class Demo {
  readonly port: number;
  readonly metricsPort: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  readonly #listeners = new Set<() => void>();
  stdout = '';
  stderr = '';

  constructor(t: CleanUp, [port, metricsPort]: number[], environment: NodeJS.ProcessEnv = {}) {
    this.port = port!;
    this.metricsPort = metricsPort!;
    const ports = ['--port', `${port}`, '--metrics-port', `${metricsPort}`];
    this.#child = spawn(process.execPath, [PROGRAM, ...ports], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#child, 'close');
    t.after(() => this.#child.kill('SIGKILL'));
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const listener of this.#listeners) listener();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  /** Resolves with what matches in the output; rejects with the error output where the program ends before. */
  async shows(pattern: RegExp): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = () => {
      const match = pattern.exec(this.stdout);
      if (match) resolve(match[0]);
    };
    this.#listeners.add(look);
    look();
    void this.#exited.then(() => reject(new Error(`ended before ${pattern}: ${this.stderr}`)));
    return within(promise, `output ${pattern}`, START_TIMEOUT_MS);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The exit code, or the signal that ended it. */
  async exit(timeoutMs: number): Promise<unknown> {
    const [code, signal] = await within(this.#exited, 'end of the demonstration', timeoutMs);
    return code ?? signal;
  }
}

/** A demonstration that serves; where another program takes one of its ports, a second one. */
async function startDemo(t: CleanUp, environment?: NodeJS.ProcessEnv): Promise<Demo> {
  const start = async () => {
    const demo = new Demo(t, await freePorts(2), environment);
    await demo.shows(/To end: {2}Ctrl-C\n\n/);
    return demo;
  };
  try {
    return await start();
  } catch (error) {
    if (!/is in use|EADDRINUSE/.test(String(error))) throw error;
    return start();
  }
}

/** That a demonstration on these ports ends with one line, which names the port and the flag for another. */
async function assertRefused(t: CleanUp, ports: number[], protocol: string, flag: string) {
  const demo = new Demo(t, ports);
  assert.equal(await demo.exit(START_TIMEOUT_MS), 1);
  const port = ports[flag === '--port' ? 0 : 1];
  const line = `zerohop: ${protocol} port ${port} of 127\\.0\\.0\\.1 is in use: .*npm start -- ${flag} `;
  assert.match(demo.stderr, new RegExp(`^${line}\\d+\n$`));
  assert.equal(demo.stdout, '');
}

test('answers what it says to try, shows figures, and ends on Ctrl-C', async (t) => {
  const demo = await startDemo(t);
  const lines = [...demo.stdout.matchAll(/^ {2}dig @127\.0\.0\.1 -p (\d+) (\S+)(?: (\w+))?$/gm)];
  assert.equal(lines.length, 3);
  for (const [, port, name, type = 'A'] of lines) {
    for (const ask of [udpAsk, tcpAsk]) {
      const reply = await ask({ port: Number(port) }, { name: name!, type });
      assert.equal(reply.rcode, 'NOERROR');
      assert.equal(reply.decoded.answers[0]?.type, type);
    }
  }
  const figures = await demo.shows(/^queries .*\n/m);
  assert.match(
    figures,
    /^queries \d \(\d\.\d\/s\) \| hit ratio \d+\.\d% \| p99 <= [\d.]+ ms \| upstream queries \d\n$/,
  );
  const [status, metrics] = demo.stdout.match(/http:\S+/g)!;
  assert.equal(status, `http://127.0.0.1:${demo.metricsPort}/`);
  assert.equal(metrics, `http://127.0.0.1:${demo.metricsPort}/metrics`);
  assert.match(await (await fetch(status)).text(), /Names asked most/);
  const scrape = new Scrape(await (await fetch(metrics)).text());
  assert.ok(scrape.sum('coredns_cache_hits_total') >= 3);
  demo.signal('SIGINT');
  assert.equal(await demo.exit(END_TIMEOUT_MS), 0);
  const ended = /\nEnded: queries 6 \| hit ratio 50\.0% \| upstream queries (\d+)\n$/.exec(
    demo.stdout,
  );
  // A question that a standstill keeps from its answer is asked again.
  const againMax = scrape.sum('zerohop_upstream_reasks_total');
  const upstreamQueries = Number(ended?.[1]);
  assert.ok(upstreamQueries >= 3 && upstreamQueries <= 3 + againMax, demo.stdout);
  assert.equal(demo.stderr, '');
});

for (const [backend, environment] of [
  ['system calls', {}],
  ['node:dgram', NO_KOFFI],
] as const) {
  test(`ends with clients in the middle of things, over ${backend}`, async (t) => {
    const demo = await startDemo(t, environment);
    const name = 'www.example.org';
    assert.deepEqual((await udpAsk(demo, { name })).data('A'), ['192.0.2.80', '192.0.2.81']);
    const idle = await TcpClient.connect(demo);
    t.after(() => idle.close());
    await idle.ask({ name });
    const unfinished = await TcpClient.connect(demo);
    t.after(() => unfinished.close());
    unfinished.write(Uint8Array.of(0, 100, 1));
    const asking = await UdpClient.open(demo);
    t.after(() => asking.close());
    asking.send(...Array.from({ length: 100 }, (_, index) => ({ name: `${index}.example.org` })));
    demo.signal('SIGTERM');
    assert.equal(await demo.exit(END_TIMEOUT_MS), 0);
    assert.match(demo.stdout, /\nEnded: .*\n$/);
  });
}

test('says in one line which port is in use', async (t) => {
  const [port, metricsPort] = (await freePorts(2)) as [number, number];
  const udp = createSocket({ type: 'udp4', reusePort: true });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  await assertRefused(t, [port, metricsPort], 'UDP', '--port');
  udp.close();
  for (const [taken, flag] of [
    [port, '--port'],
    [metricsPort, '--metrics-port'],
  ] as const) {
    const tcp = createServer();
    tcp.listen({ port: taken, host: '127.0.0.1', reusePort: true });
    await once(tcp, 'listening');
    await assertRefused(t, [port, metricsPort], 'TCP', flag);
    tcp.close();
  }
});

test('does not share the ports of another demonstration', async (t) => {
  const { port, metricsPort } = await startDemo(t);
  await assertRefused(t, [port, metricsPort], 'UDP', '--port');
});

test('reads its command line', () => {
  const problem = (...args: string[]) => {
    const options = readOptions(args);
    assert.ok(options instanceof Error);
    return options.message;
  };
  assert.deepEqual(readOptions([]), { port: 5353, metricsPort: 9253 });
  assert.deepEqual(readOptions(['--port', '1', '--metrics-port=65535']), {
    port: 1,
    metricsPort: 65_535,
  });
  for (const wrong of ['0', '65536', '53x', '']) {
    assert.equal(problem(`--port=${wrong}`), `--port ${wrong}: expected a port from 1 to 65535`);
  }
  assert.match(problem('--port', '9253'), /two different ports/);
  assert.match(problem('--prot', '1'), /^Unknown option '--prot'/);
  assert.doesNotMatch(problem('--port', '-1'), /\n/);
});

/** Totals at a second: so many queries of each duration, by bucket, and as many look-ups. */
function totalsAt(seconds: number, hits: number, durations: Record<number, number> = {}): Totals {
  let count = 0;
  const cumulative = Array.from({ length: DURATION_BUCKETS.length + 1 }, (_, bucket) => {
    count += durations[bucket] ?? 0;
    return count;
  });
  const upstreamQueries = count - hits;
  return {
    atMs: 1000 * seconds,
    queries: count,
    lookups: count,
    hits,
    upstreamQueries,
    cumulative,
  };
}

test('figures are differences to the start and to the last seconds', () => {
  const figures = new Figures(totalsAt(0, 0, { 3: 2 }), 1);
  assert.equal(
    figures.line(),
    'queries 0 (0/s) | hit ratio - | p99 - | upstream queries 0',
    'what was counted before the start does not show',
  );
  figures.add(totalsAt(1, 98, { 0: 99, 3: 2, 4: 1 }));
  assert.equal(
    figures.line(),
    'queries 100 (100/s) | hit ratio 98.0% | p99 <= 0.25 ms | upstream queries 2',
  );
  figures.add(totalsAt(3, 98, { 0: 99, 3: 2, 4: 10, 16: 10 }));
  assert.match(figures.line(), /^queries 119 \(9\.5\/s\) .* p99 > 8192 ms /);
  for (let second = 4; second <= 13; second++) {
    figures.add(totalsAt(second, 98, { 0: 99, 3: 2, 4: 10, 16: 10 }));
  }
  assert.match(figures.line(), /^queries 119 \(0\/s\) .* p99 - /);
  assert.equal(figures.summary(), 'queries 119 | hit ratio 82.4% | upstream queries 21');
});

class FakeTerminal {
  readonly isTTY: boolean;
  readonly columns = 20;
  text = '';

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }

  /** What was written since the last call; `<` stands for the way back and the clearing of a line. */
  take(): string {
    const { text } = this;
    this.text = '';
    return text.replaceAll('\r\x1b[K', '<');
  }
}

test('a terminal shows one line that changes in place', () => {
  const terminal = new FakeTerminal(true);
  const display = new Display(terminal, { nowMs: () => 0 });
  display.print('hello\n');
  display.show('one', 0);
  display.show('one', 0);
  display.show('two, which is longer than that', 1);
  assert.equal(terminal.take(), 'hello\n<one<two, which is longe');
  display.print('[WARNING] something\n');
  assert.equal(terminal.take(), '<[WARNING] something\ntwo, which is longe');
  display.end('over');
  display.print('late\n');
  assert.equal(terminal.take(), '<over\nlate\n');
});

test('elsewhere there is a line every ten seconds, where there is something new', () => {
  const output = new FakeTerminal(false);
  let nowMs = 0;
  const clock: Clock = { nowMs: () => nowMs };
  const display = new Display(output, clock);
  display.show('nothing yet', 0);
  display.show('first, and as long as it likes', 1);
  nowMs = 9999;
  display.show('too soon', 2);
  nowMs = 10_000;
  display.show('second', 2);
  nowMs = 60_000;
  display.show('nothing new', 2);
  display.print('[WARNING] something\n');
  display.end('over');
  assert.equal(
    output.take(),
    'first, and as long as it likes\nsecond\n[WARNING] something\nover\n',
  );
});
