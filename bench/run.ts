/**
 * One run: a workload against a server. The load says when it is ready; counters are read, it is told to go, and counters are
 * read again when its report is there. What is primed or warmed up before is in no figure.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Costs, costsOf } from './costs.ts';
import type { LoadReport } from './load/generator.ts';
import { formatQuestions, type Question } from './load/questions.ts';
import type { UpstreamCounts } from './load/upstream.ts';
import { type Child, startProcess } from './processes.ts';
import type { Server } from './servers.ts';
import type { Upstreams } from './upstreams.ts';
import { runWitness } from './witness.ts';
import type { Load, Workload } from './workload/workload.ts';

const LOAD_CLI = join(import.meta.dirname, 'load/cli.ts');
/** Priming a million names takes a minute; a start takes seconds on a busy machine. */
const READY_TIMEOUT_MS = 300_000;
/** Beyond the run itself: up to 5 s for the last replies. */
const REPORT_MARGIN_MS = 20_000;
const SCRAPE_INTERVAL_MS = 250;

/** What is told of a load, whoever played it. */
export type RunReport = Pick<
  LoadReport,
  | 'answered'
  | 'lost'
  | 'notSent'
  | 'wrong'
  | 'duplicates'
  | 'unexpected'
  | 'queriesPerSecond'
  | 'latencyUs'
  | 'latencyUsBy'
>;

/** What a run needs to know of its surroundings. */
export interface Scene {
  readonly directory: string;
  readonly loadCore: number | undefined;
  readonly upstreams: Upstreams;
}

export interface RunResult {
  /** One for each load of the workload; none where nobody asked. */
  readonly reports: readonly RunReport[];
  readonly seconds: number;
  /** Differences over the run; memory as it was at its end. */
  readonly costs: Costs;
  readonly upstream: UpstreamCounts;
}

export async function runWorkload(
  workload: Workload,
  server: Server,
  round: number,
  scene: Scene,
): Promise<RunResult> {
  const loads = workload.loads(round).map((load, index) => {
    const command = loadCommand(load, server, join(scene.directory, `load${index}`));
    return startProcess(command, scene.loadCore, compileCache(scene));
  });
  await Promise.all(loads.map((load) => load.firstLine(READY_TIMEOUT_MS)));
  await scene.upstreams.settled();
  const before = costsOf(server.child.pid);
  const upstreamBefore = await scene.upstreams.counts();
  const scrapes = workload.isScraped ? scrapeUntilStopped(server.metricsPort) : undefined;
  const startedAt = performance.now();
  for (const load of loads) load.tell('go');
  const timeoutMs = workload.seconds * 1000 + REPORT_MARGIN_MS;
  const reports = workload.isWitnessed
    ? [await runWitness(server.port, scene.directory, scene.loadCore, workload.seconds)]
    : await Promise.all(loads.map((load) => reportOf(load, timeoutMs)));
  if (reports.length === 0) await pause(workload.seconds * 1000);
  const seconds = (performance.now() - startedAt) / 1000;
  await scrapes?.stop();
  if (server.child.hasExited()) {
    throw new Error(`${server.name} ended in the run:\n${server.child.errorTail()}`);
  }
  const after = costsOf(server.child.pid);
  const upstream = await scene.upstreams.counts();
  return {
    reports,
    seconds,
    costs: {
      ...after,
      cpuNs: after.cpuNs - before.cpuNs,
      wakeUps: after.wakeUps - before.wakeUps,
    },
    upstream: {
      ...upstream,
      queries: upstream.queries - upstreamBefore.queries,
      packets: upstream.packets - upstreamBefore.packets,
    },
  };
}

/** What a load prints behind the line that said it was ready. */
async function reportOf(load: Child, timeoutMs: number): Promise<LoadReport> {
  const output = await load.output(timeoutMs);
  return JSON.parse(output.slice(output.indexOf('\n'))) as LoadReport;
}

/** A load starts in 0.1 s instead of 0.3 where its code was compiled before, and a benchmark starts hundreds. */
function compileCache({ directory }: Scene): Record<string, string> {
  return { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(directory, 'compiled') };
}

function loadCommand(load: Load, server: Server, path: string): string[] {
  const flags = [`--server=127.0.0.1:${server.port}`, '--hold', ...load.flags];
  if (server.isForwarding) flags.push('--exact-address');
  if (load.questions) flags.push(`--file=${writeQuestions(`${path}.questions`, load.questions)}`);
  if (load.prime) flags.push(`--prime-file=${writeQuestions(`${path}.prime`, load.prime)}`);
  return [process.execPath, LOAD_CLI, ...flags];
}

function writeQuestions(path: string, questions: readonly Question[]): string {
  writeFileSync(path, formatQuestions(questions));
  return path;
}

/** Fetches `/metrics` at intervals, as Prometheus does but more often, and drops what comes: it should cost the load little. */
function scrapeUntilStopped(port: number | undefined): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const scraping = (async () => {
    while (port !== undefined && !stopping.signal.aborted) {
      await fetchAndDrop(port);
      await pause(SCRAPE_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    stop: () => {
      stopping.abort();
      return scraping;
    },
  };
}

async function fetchAndDrop(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let octets = 0;
  const socket = connect(port, '127.0.0.1');
  socket.on('data', (chunk) => {
    octets += chunk.length;
  });
  socket.on('error', reject);
  socket.on('close', () => (octets > 0 ? resolve() : reject(new Error('no metrics came'))));
  socket.write('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
  await promise;
}
