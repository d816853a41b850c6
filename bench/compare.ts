/**
 * `npm run bench`: what a query costs the daemon, beside the least that it can cost (a C program that only receives and
 * sends) and beside its peers, on the same machine in the same minutes. Servers are asked in turn, round by round; the
 * tables show medians.
 *
 * Exit 1 when an answer of the daemon was wrong, a server failed, or the gate was missed; 2 for a bad flag.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseCores, moveTo } from './cores.ts';
import { growthSamples } from './growth.ts';
import { machineFacts } from './machine.ts';
import { type BenchOptions, parseBenchOptions, USAGE } from './options.ts';
import { runWorkload, type Scene } from './run.ts';
import {
  compileEcho,
  DAEMON,
  type Server,
  type Site,
  startDaemon,
  startEcho,
  startPeer,
} from './servers.ts';
import { startSinkProcess } from './sinks.ts';
import { type Row, rowsOf, type Sample, YARDSTICK } from './statistics.ts';
import { formatTables } from './table.ts';
import { Upstreams } from './upstreams.ts';
import { hasWitness } from './witness.ts';
import type { Workload } from './workload/workload.ts';
import { workloads } from './workload/workloads.ts';

/** Who takes part where a workload is not for everybody: the yardsticks of the goals. */
const FEW: readonly string[] = ['unbound', 'node-cache'];

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
  if (cores.load !== undefined) moveTo(cores.load);
  const upstreams = await Upstreams.start(cores.load);
  const scene = { directory, loadCore: cores.load, upstreams };
  const sinks = await startSinkProcess(join(directory, 'dnstap.sock'), cores.load);
  const site = {
    directory,
    core: cores.server,
    zones: upstreams.zones,
    sinks: sinks.addresses,
    daemonCommand: options.daemonCommand,
  };
  const servers = await startServers(options, site);
  const samples = await runRounds(options, servers, scene);
  // Ten minutes' figures outlive a failure of what comes after them.
  writeJson(options, rowsOf(samples));
  if (options.grows) samples.push(...(await growthSamples(options, site, scene)));
  const rows = rowsOf(samples);
  console.log(`\n${formatTables(rows)}`);
  writeJson(options, rows);
  for (const failure of [...wrongAnswers(rows), ...missedGates(rows, options)]) {
    console.log(failure);
    process.exitCode = 1;
  }
  const parts = [upstreams, sinks.child, ...servers.map(({ child }) => child)];
  await Promise.all(parts.map((part) => part.stop()));
}

/** Says which servers are left out, and why. */
async function startServers(options: BenchOptions, site: Site): Promise<Server[]> {
  const echo = compileEcho(site.directory);
  const servers: Server[] = [];
  if (echo) servers.push(await startEcho(echo, site.core));
  else console.log('no C compiler (cc): no echo, hence no ratios');
  const daemon = await startDaemon(site);
  if (daemon) servers.push(daemon);
  else console.log('no daemon: src/cli/node-cache does not exist');
  for (const peer of options.peers) {
    const server = await startPeer(peer, site, { echo, nodeCache: options.nodeCache });
    if (server) servers.push(server);
    else console.log(`no ${peer}: not installed`);
  }
  return servers;
}

/** Every second round in reverse, so that no server always comes after the same one. */
async function runRounds(
  options: BenchOptions,
  servers: readonly Server[],
  scene: Scene,
): Promise<Sample[]> {
  const chosen = chosenWorkloads(options);
  const samples: Sample[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const workload of chosen) {
      const { name, title, kind } = workload;
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        if (!takesPart(server, workload)) continue;
        const result = await runWorkload(workload, server, round, scene);
        samples.push({ workload: name, title, kind, server: server.name, round, result });
      }
    }
    console.log(`round ${round + 1} of ${options.rounds}`);
  }
  return samples;
}

function chosenWorkloads({ scale, only }: BenchOptions): Workload[] {
  const chosen = workloads(scale).filter(
    ({ name, kind }) => only.length === 0 || only.includes(name) || only.includes(kind),
  );
  if (hasWitness()) return chosen;
  console.log('no dnsperf: no second witness');
  return chosen.filter(({ isWitnessed }) => !isWitnessed);
}

function takesPart({ name, isForwarding }: Server, { servers }: Workload): boolean {
  if (name === DAEMON) return true;
  if (!isForwarding) return servers.startsWith('echo');
  return servers.endsWith('all') || (servers.endsWith('few') && FEW.includes(name));
}

/** Figures of wrong answers are no figures. What a peer gets wrong stands in the table and is its own matter. */
function wrongAnswers(rows: readonly Row[]): string[] {
  return rows
    .filter(({ server, wrong }) => wrong > 0 && (server === DAEMON || server === YARDSTICK))
    .map(({ server, workload, wrong }) => `WRONG: ${server}, ${workload}: ${wrong} replies`);
}

/** The gate holds for each workload of hits that has an echo; what was not measured has missed it. */
function missedGates(rows: readonly Row[], options: BenchOptions): string[] {
  const { gate } = options;
  if (gate === undefined) return [];
  const withEcho = new Set(
    rows.filter((row) => row.server === YARDSTICK).map((row) => row.workload),
  );
  const hits = rows.filter(({ server, workload }) => server === DAEMON && withEcho.has(workload));
  if (hits.length === 0) return ['GATE: no hits of the daemon were measured'];
  return hits
    .filter(({ cpuRatio }) => !(cpuRatio <= gate))
    .map(
      ({ workload, cpuRatio }) =>
        `GATE: ${workload}: ${cpuRatio.toFixed(2)} times the ${YARDSTICK}'s CPU, at most ${gate} allowed`,
    );
}

function writeJson({ jsonPath, rounds, scale }: BenchOptions, rows: readonly Row[]): void {
  if (jsonPath === undefined) return;
  const json = { machine: machineFacts(), rounds, seconds: scale.seconds, rows };
  writeFileSync(jsonPath, `${JSON.stringify(json, toThousandths, 2)}\n`);
}

/** More digits than that are noise. */
function toThousandths(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
