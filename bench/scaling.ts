/**
 * How throughput grows with responders where each has a core of its own: the load takes none, since it has filled their queues before
 * (drain.ts). The echo with as many threads shows what kernel and machine scale to.
 *
 *     npm run bench:scaling [-- --rounds N] [--drains N] [--responders 1,2] [--command COMMAND] [--gate RATIO]
 *
 * Servers take turns in each round. A drain counts where its threads hardly waited for a core; a round goes on until it has so many, or
 * gives up and takes those that waited least. Ratios are taken within a round, and then their median. Exit 1 where a reply was wrong, or
 * where the daemon with the most responders is less than `--gate` times as fast as with the fewest.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireLibc } from '../src/os/libc.ts';
import { allowedCores } from './cores.ts';
import { DaemonRuns, SOURCES } from './daemon-run.ts';
import { type Drain, DrainedServer, type DrainScale } from './drain.ts';
import { encodeQuestions, numberedQuestions, type QuestionSet } from './load/questions.ts';
import { untilReady } from './ports.ts';
import { type Child, isInstalled } from './processes.ts';
import { compileEcho, DAEMON, startEcho } from './servers.ts';
import { median, medianRatio, YARDSTICK } from './statistics.ts';
import { figure, formatTable } from './table.ts';

/** 16,384 datagrams a queue: four fifths of what fits into a receive buffer of 8 MiB. */
const FULL: DrainScale = { sockets: 64, passes: 4, warmUps: 10 };
/** What fits into a buffer of the kernel's ordinary size. */
const SMOKE: DrainScale = { sockets: 3, passes: 1, warmUps: 1 };
const NAMES = 200;
/** Of the threads' time: a core was free. */
const WAITED_MAX = 0.02;
/** Drains for each that is wanted. */
const TRIES = 8;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    drains: { type: 'string' },
    responders: { type: 'string', default: '1,2' },
    command: { type: 'string', default: SOURCES },
    gate: { type: 'string' },
    smoke: { type: 'boolean', default: false },
  },
});
const scale = values.smoke ? SMOKE : FULL;
const roundCount = Number(values.rounds ?? (values.smoke ? 1 : 5));
const drainCount = Number(values.drains ?? (values.smoke ? 2 : 10));
const responderCounts = values.responders.split(',').map(Number);
const cores = allowedCores(readFileSync('/proc/self/status', 'latin1'));

/** A server with so many threads that answer. */
interface Server {
  readonly name: string;
  readonly responders: number;
  readonly child: Child;
  readonly port: number;
}

interface Contestant extends Server {
  readonly drained: DrainedServer;
  /** The median drain of each round. */
  readonly rounds: Drain[];
}

/** The echo's first. */
async function startServers(runs: DaemonRuns, directory: string): Promise<Server[]> {
  const servers: Server[] = [];
  const echo = compileEcho(directory);
  if (!echo) console.log('no C compiler (cc): no echo to compare with');
  for (const responders of responderCounts) {
    if (!echo) break;
    const { port, child } = await startEcho(echo, undefined, [`--threads=${responders}`]);
    servers.push({ name: YARDSTICK, responders, child, port });
  }
  for (const responders of responderCounts) {
    const place = await runs.place();
    const flags = [...place.flags, `-responders=${responders}`];
    const child = runs.start(values.command.split(/\s+/), { ...place, flags });
    await untilReady(child, place.port);
    servers.push({ name: DAEMON, responders, child, port: place.port });
  }
  return servers;
}

async function prepare(server: Server): Promise<Contestant> {
  const { responders } = server;
  const own = Array.from({ length: responders }, (_, index) => cores[index % cores.length]!);
  const { pid } = server.child;
  const options = { pid, port: server.port, cores: own, set: questions(), scale };
  const drained = await DrainedServer.prepare(requireLibc(), options);
  return { ...server, drained, rounds: [] };
}

function questions(): QuestionSet {
  const list = numberedQuestions(NAMES, 'h', 'bench.example.org', 'A');
  const set = encodeQuestions(list, { edns: false, exactAddress: false });
  if (set instanceof Error) throw set;
  return set;
}

function measureRound({ drained }: Contestant): Drain {
  const drains: Drain[] = [];
  for (let left = TRIES * drainCount; left > 0; left--) {
    drains.push(drained.run());
    if (drains.filter(isFree).length === drainCount) break;
  }
  const quietest = drains.toSorted((a, b) => a.waitedShare - b.waitedShare).slice(0, drainCount);
  const sumOf = (part: 'lost' | 'wrong') => drains.reduce((sum, drain) => sum + drain[part], 0);
  return { ...medianOf(quietest), lost: sumOf('lost'), wrong: sumOf('wrong') };
}

function isFree({ waitedShare }: Drain): boolean {
  return waitedShare <= WAITED_MAX;
}

function medianOf(drains: readonly Drain[]): Drain {
  const of = (part: keyof Drain) => median(drains.map((drain) => drain[part]));
  return {
    perSecond: of('perSecond'),
    ownPerSecond: of('ownPerSecond'),
    cpuUs: of('cpuUs'),
    waitedShare: of('waitedShare'),
    lost: of('lost'),
    wrong: of('wrong'),
  };
}

/** Of its own rounds over those of the same server with the fewest threads. */
function growth(of: Contestant, all: readonly Contestant[]): number {
  const fewest = all.find(({ name }) => name === of.name)!;
  const rates = ({ rounds }: Contestant) => rounds.map(({ perSecond }) => perSecond);
  return medianRatio(rates(of), rates(fewest));
}

function report(all: readonly Contestant[]): void {
  const rows = all.map((row) => ({ ...row, ...medianOf(row.rounds), growth: growth(row, all) }));
  const table = formatTable(rows, [
    ['server', ({ name }) => name],
    ['responders', ({ responders }) => String(responders)],
    ['replies/s', ({ perSecond }) => figure(perSecond, 0)],
    ['times the first', (row) => figure(row.growth, 2)],
    ['each by itself', ({ ownPerSecond }) => figure(ownPerSecond, 0)],
    ['CPU us', ({ cpuUs }) => figure(cpuUs, 2)],
    ['waited %', ({ waitedShare }) => figure(100 * waitedShare, 1)],
    ['lost', ({ lost }) => figure(lost, 0)],
  ]);
  console.log(table);
  const wrong = all.flatMap(({ rounds }) => rounds).reduce((sum, round) => sum + round.wrong, 0);
  if (wrong > 0) fail(`WRONG: ${wrong} replies`);
  const reached = rows.at(-1)!.growth;
  const gate = Number(values.gate ?? 0);
  if (!(reached >= gate)) fail(`GATE: ${figure(reached, 2)} times, at least ${gate} wanted`);
}

function fail(what: string): void {
  console.log(what);
  process.exitCode = 1;
}

const runs = await DaemonRuns.prepare();
const directory = mkdtempSync(join(tmpdir(), 'zerohop-bench-'));
try {
  if (cores.length < Math.max(...responderCounts)) console.log('too few cores: no figure is fit');
  if (!isInstalled('taskset')) console.log('no taskset: nothing is pinned');
  // All of them before the first drain, which moves us from core to core, and whom we start along with us.
  const servers = await startServers(runs, directory);
  const contestants: Contestant[] = [];
  for (const server of servers) contestants.push(await prepare(server));
  for (let round = 0; round < roundCount; round++) {
    const turns = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const contestant of turns) contestant.rounds.push(measureRound(contestant));
  }
  report(contestants);
  for (const { drained } of contestants) drained.close();
  await Promise.all(servers.map(({ child }) => child.stop()));
} finally {
  await runs.close();
  rmSync(directory, { recursive: true, force: true });
}
