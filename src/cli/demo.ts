/**
 * `npm start`: the cache in front of a stand-in for kube-dns, on loopback, without arguments or privileges. It prints what to
 * try, then one line of live figures, and ends on Ctrl-C.
 *
 *     node src/cli/demo.ts [--port N] [--metrics-port N]
 *
 * Exit codes: 0 after SIGINT or SIGTERM, 1 where it cannot serve, 2 for a wrong command line; the reason is one line on
 * stderr. It is no way to run the daemon: main.ts is.
 */
import { networkInterfaces } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { hostPort } from '../base/ip-address.ts';
import { createLog } from '../base/log.ts';
import { Daemon } from '../control/daemon.ts';
import { statusPages } from '../control/status-page.ts';
import { topOf } from '../control/top.ts';
import { AdoptedSockets } from '../server/adopted-sockets.ts';
import { OwnQueries } from '../watch/own-queries.ts';
import { demoConfiguration, HOST } from './demo-configuration.ts';
import { Display } from './demo-display.ts';
import { Figures, readTotals, type Totals } from './demo-figures.ts';
import { type DemoOptions, readOptions } from './demo-options.ts';
import { portProblem } from './demo-ports.ts';
import { StandIn } from './stand-in/stand-in.ts';

const FIGURES_INTERVAL_MS = 1000;
/** For answers under way and for clients to close; nobody who presses Ctrl-C wants to wait a second. */
const END_WITHIN_MS = 500;
/** The questions that `loop` asks at the start are answered in a few milliseconds, on a machine that stands still now and then in more. */
const PROBES_WITHIN_MS = 2000;
const PROBES_CHECK_MS = 10;

async function run(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options instanceof Error) return fail(options.message, 2);
  const problem = await portProblem(options);
  if (problem !== undefined) return fail(problem, 1);
  const display = new Display(process.stdout, systemClock);
  const standIn = await StandIn.start();
  let daemon: Daemon;
  try {
    daemon = await startDaemon(options, standIn, display);
  } catch (error) {
    fail((error as Error).message, 1);
    return standIn.close();
  }
  const ended = askedToEnd();
  const figures = new Figures(await totalsAfterProbes(daemon), display.isTerminal ? 1 : 10);
  const add = () => figures.add(totalsOf(daemon));
  display.print(welcome(options));
  display.show(figures.line(), 0);
  const timer = setInterval(() => {
    add();
    display.show(figures.line(), figures.queries);
  }, FIGURES_INTERVAL_MS);
  await ended;
  clearInterval(timer);
  await Promise.race([daemon.close(), setTimeout(END_WITHIN_MS)]);
  add();
  display.end(`Ended: ${figures.summary()}`);
  // The stand-in, and clients that are still connected, end with the process.
  process.exit(0);
}

function startDaemon(options: DemoOptions, standIn: StandIn, display: Display): Promise<Daemon> {
  return Daemon.start(demoConfiguration(options, standIn.port), {
    // What an operator reads in the log of a node (sizes, backends) is not what a newcomer looks for.
    log: createLog((line) => {
      if (!line.startsWith('[INFO]')) display.print(line);
    }),
    responderCount: 1,
    udpBackend: 'auto',
    cacheBytes: 0,
    slowMs: 0,
    statusPages: (daemon) => statusPages((withNames) => topOf(daemon, [], withNames), false),
    // The same pages at the same address as `prometheus`: the daemon insists on a listener of its own.
    metricsAddress: hostPort(HOST, options.metricsPort),
    adopted: new AdoptedSockets(),
    healthPages: {},
    interfaces: networkInterfaces,
    onUpstreamAnswer: () => {},
    ownQueries: new OwnQueries(),
    onLoop: (text) => {
      fail(text, 1);
      process.exit();
    },
  });
}

function totalsOf(daemon: Daemon): Totals {
  daemon.metrics.fold();
  return readTotals(daemon.metrics.families, systemClock.nowMs());
}

/** What `loop` has asked is no visitor's query: counting starts behind it. */
async function totalsAfterProbes(daemon: Daemon): Promise<Totals> {
  const probes = daemon.generation!.blocks.filter(({ config }) => config.loop).length;
  let totals = totalsOf(daemon);
  for (let waitedMs = 0; waitedMs < PROBES_WITHIN_MS; waitedMs += PROBES_CHECK_MS) {
    if (totals.queries >= probes) break;
    await setTimeout(PROBES_CHECK_MS);
    totals = totalsOf(daemon);
  }
  return totals;
}

function welcome({ port, metricsPort }: DemoOptions): string {
  const dig = `dig @${HOST} -p ${port}`;
  return `
Zerohop answers DNS queries at ${HOST} port ${port}, over UDP and TCP.
Behind it is a stand-in for kube-dns with a made-up cluster: no query leaves this machine.

Try in another terminal, each line twice (the second answer comes from the cache):

  ${dig} web.default.svc.cluster.local
  ${dig} _http._tcp.web.default.svc.cluster.local SRV
  ${dig} www.example.org

Status:  http://${hostPort(HOST, metricsPort)}/
Metrics: http://${hostPort(HOST, metricsPort)}/metrics
To end:  Ctrl-C

`;
}

/** Ctrl-C, `kill`, or the reader of our output has gone (`npm start | head`). */
function askedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve());
    process.on('SIGTERM', () => resolve());
    process.stdout.on('error', () => resolve());
  });
}

function fail(problem: string, exitCode: number): void {
  process.stderr.write(`zerohop: ${problem}\n`);
  process.exitCode = exitCode;
}

await run(process.argv.slice(2));
