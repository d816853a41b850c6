/**
 * `npm run bench`: what a query costs the daemon, beside the least that it can cost (a C program that only receives and
 * sends), on the same machine in the same minutes. Servers are asked in turn, round by round; the table shows medians.
 *
 * Exit 1 when an answer of the daemon was wrong, a server failed, or the gate was missed; 2 for a bad flag.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cores, chooseCores } from './cores.ts';
import type { LoadReport } from './load/generator.ts';
import { type BenchOptions, parseBenchOptions, USAGE } from './options.ts';
import { startProcess } from './processes.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import {
  compileEcho,
  DAEMON,
  type Server,
  type Site,
  startDaemon,
  startEcho,
  startPeer,
} from './servers.ts';
import { type Row, rowsOf, type Sample, YARDSTICK } from './statistics.ts';
import { formatTables } from './table.ts';

const LOAD_CLI = join(import.meta.dirname, 'load/cli.ts');
const UPSTREAM = join(import.meta.dirname, 'load/upstream.ts');
const READY_TIMEOUT_MS = 10_000;
/** Beyond the run itself: the start, the prime phase, and 2 s for the last replies of each phase. */
const LOAD_MARGIN_MS = 20_000;

const options = readOptions();
if (options) await main(options);

function readOptions(): BenchOptions | undefined {
  try {
    return parseBenchOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main(options: BenchOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'zerohop-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const cores = chooseCores();
  console.log(cores.note);
  const upstream = startProcess([process.execPath, UPSTREAM], cores.load);
  const upstreamPort = Number(await upstream.firstLine(READY_TIMEOUT_MS));
  const servers = await startServers(options, { directory, core: cores.server, upstreamPort });
  const samples = await runRounds(options, servers, cores);
  const rows = rowsOf(samples);
  console.log(`\n${formatTables(rows)}`);
  if (options.jsonPath) writeJson(options.jsonPath, options, samples, rows);
  for (const failure of [...wrongAnswers(rows), ...missedGates(rows, options)]) {
    console.log(failure);
    process.exitCode = 1;
  }
  await Promise.all([upstream, ...servers.map(({ child }) => child)].map((child) => child.stop()));
}

/** Says which servers are left out, and why. */
async function startServers(options: BenchOptions, site: Site): Promise<Server[]> {
  const binary = compileEcho(site.directory);
  const servers: Server[] = [];
  if (binary) servers.push(await startEcho(binary, site));
  else console.log('no C compiler (cc): no echo, hence no ratios');
  const daemon = await startDaemon(options.daemonCommand, site);
  if (daemon) servers.push(daemon);
  else console.log('no daemon: src/main.ts does not exist');
  for (const peer of options.peers) {
    const server = await startPeer(peer, site, binary);
    if (server) servers.push(server);
    else console.log(`no ${peer}: not installed`);
  }
  return servers;
}

/** Every second round in reverse, so that no server always comes after the same one. */
async function runRounds(options: BenchOptions, servers: Server[], cores: Cores) {
  const chosen = scenarios(options.scale).filter(({ kind }) => options.kinds.includes(kind));
  const samples: Sample[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const scenario of chosen) {
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        const report = await runOnce(scenario, server, round, options, cores);
        const { name, kind } = scenario;
        samples.push({ scenario: name, kind, server: server.name, round, report });
      }
    }
    console.log(`round ${round + 1} of ${options.rounds}`);
  }
  return samples;
}

async function runOnce(
  scenario: Scenario,
  server: Server,
  round: number,
  options: BenchOptions,
  cores: Cores,
): Promise<LoadReport> {
  const flags = [`--server=127.0.0.1:${server.port}`, `--server-pid=${server.child.pid}`];
  if (server.isForwarding) flags.push('--exact-address');
  const command = [process.execPath, LOAD_CLI, ...flags, ...scenario.flags(round)];
  const load = startProcess(command, cores.load);
  const report: LoadReport = JSON.parse(
    await load.output(options.scale.seconds * 1000 + LOAD_MARGIN_MS),
  );
  if (server.child.hasExited()) {
    throw new Error(`${server.name} ended in the run:\n${server.child.errorTail()}`);
  }
  return report;
}

/** Figures of wrong answers are no figures. What a peer gets wrong stands in the table and is its own matter. */
function wrongAnswers(rows: readonly Row[]): string[] {
  return rows
    .filter(({ server, wrong }) => wrong > 0 && (server === DAEMON || server === YARDSTICK))
    .map(({ server, scenario, wrong }) => `WRONG: ${server}, ${scenario}: ${wrong} replies`);
}

/** The gate holds for each hit scenario of the daemon; what was not measured has missed it. */
function missedGates(rows: readonly Row[], options: BenchOptions): string[] {
  const { gate } = options;
  if (gate === undefined) return [];
  const hits = rows.filter(({ server, kind }) => server === DAEMON && kind === 'hits');
  if (hits.length === 0) return ['GATE: no hits of the daemon were measured'];
  return hits
    .filter(({ cpuRatio }) => !(cpuRatio <= gate))
    .map(
      ({ scenario, cpuRatio }) =>
        `GATE: ${scenario}: ${cpuRatio.toFixed(2)} times the ${YARDSTICK}'s CPU, at most ${gate} allowed`,
    );
}

function writeJson(
  path: string,
  options: BenchOptions,
  samples: readonly Sample[],
  rows: readonly Row[],
): void {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    date: new Date().toISOString(),
  };
  const { rounds, scale } = options;
  writeFileSync(path, `${JSON.stringify({ machine, rounds, scale, rows, samples }, null, 2)}\n`);
}
