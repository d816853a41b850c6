/**
 * The story that Zerohop is for: all pods of a cluster start at t = 0, then a spike of traffic comes; once with pods that ask the
 * replicas of kube-dns directly, once through Zerohop on each node. Each way has a laboratory of its own, with cold caches.
 */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { CleanUp } from '../support/temporary-directory.ts';
import {
  classifyQueries,
  type Latencies,
  type LookupFigures,
  latenciesOf,
  lookupFigures,
} from './figures.ts';
import { Lab, type LabOptions } from './lab.ts';
import { compileStub, monotonicUs, runStub, type StubRecords } from './stub.ts';
import { KUBE_DNS, LINK_LOCAL } from './topology.ts';
import { type SentPackets, VPC_PACKETS_PER_S } from './vpc-limit.ts';
import { planWorkload } from './workload.ts';
import { startZerohop, type Zerohop } from './zerohop.ts';

export type Way = 'direct' | 'zerohop';

export interface SpikeOptions {
  readonly nodes: number;
  readonly podsPerNode: number;
  /** Of the VPC's limit and of the load alike; 1 is 1024 packets and `LOOKUPS_PER_S` look-ups a second. */
  readonly scale: number;
  readonly spikeS: number;
  readonly replicas: NonNullable<LabOptions['replicas']>;
  readonly seed: number;
}

/** Packets a second of the interface that sends most: its mean over the phase, and its busiest second. */
export interface PacketRate {
  readonly sender: string;
  readonly mean: number;
  readonly peak: number;
}

export interface PacketFigures {
  /** Toward the VPC's resolver, let through. */
  readonly sent: PacketRate;
  readonly dropped: PacketRate;
  /** Toward kube-dns, of a node; both transports. */
  readonly replicas: PacketRate;
}

export interface PhaseFigures {
  readonly lookups: LookupFigures;
  readonly hits: Latencies;
  readonly misses: Latencies;
  readonly packets: PacketFigures;
  /** Of the machine's cores, by everything that runs on it. */
  readonly cpuShare: number;
  /** Of all Zerohops together, for each query of a pod; NaN where there are none. */
  readonly zerohopUs: number;
}

export interface SpikeFigures {
  readonly way: Way;
  /** The first 5 s: the cold start. */
  readonly cold: PhaseFigures;
  readonly spike: PhaseFigures;
}

/** At scale 1, of all pods together. */
export const LOOKUPS_PER_S = 3200;
export const COLD_S = 5;
/** At scale 1, of each pod. */
const COLD_LOOKUPS = 80;
/** From planning to the first query: the stubs must have started. */
const LEAD_US = 1_000_000;

export async function runSpike(
  test: CleanUp,
  way: Way,
  options: SpikeOptions,
): Promise<SpikeFigures> {
  const { nodes, podsPerNode, replicas } = options;
  const vpcPacketsPerS = Math.round(VPC_PACKETS_PER_S * options.scale);
  const lab = await Lab.start(test, { nodes, podsPerNode, replicas, vpcPacketsPerS });
  const program = await compileStub(lab.folder);
  const zerohops = way === 'zerohop' ? await Promise.all(lab.nodes.map(startOn)) : [];
  const pods = lab.nodes.flatMap((node) => node.pods);
  const plans = planWorkload({
    pods: pods.length,
    coldLookups: Math.round(COLD_LOOKUPS * options.scale),
    spikeAtS: COLD_S,
    spikeS: options.spikeS,
    lookupsPerS: LOOKUPS_PER_S * options.scale,
    seed: options.seed,
  });
  const startAtUs = monotonicUs() + LEAD_US;
  const server = way === 'direct' ? KUBE_DNS.v4 : LINK_LOCAL.v4;
  const stubs = Promise.all(
    pods.map((pod, index) =>
      runStub(program, pod, plans[index]!, { server, startAtUs }, lab.folder),
    ),
  );
  stubs.catch(() => {}); // Looked at below, behind the counters.
  const readings: Reading[] = [];
  for (let second = 0; second <= COLD_S + options.spikeS; second++) {
    await pause((startAtUs + second * 1e6 - monotonicUs()) / 1000);
    readings.push(await takeReading(lab, zerohops));
  }
  const records = await stubs;
  lab.close();
  const byNode = lab.nodes.map((_, node) =>
    records.slice(node * podsPerNode, (node + 1) * podsPerNode),
  );
  return {
    way,
    cold: phaseOf(byNode, 0, COLD_S, readings.slice(0, COLD_S + 1)),
    spike: phaseOf(byNode, COLD_S, Number.POSITIVE_INFINITY, readings.slice(COLD_S)),
  };
}

async function startOn(node: Lab['nodes'][number]): Promise<Zerohop> {
  const zerohop = await startZerohop(node, { localIps: [LINK_LOCAL.v4] });
  await zerohop.intercepts();
  return zerohop;
}

/** Counters since the lab's start. */
interface Reading {
  readonly atUs: number;
  readonly senders: Map<string, SentPackets>;
  readonly cpu: { busy: number; all: number };
  readonly zerohopUs: number;
}

async function takeReading(lab: Lab, zerohops: readonly Zerohop[]): Promise<Reading> {
  const senders = await lab.sentPackets();
  const zerohopUs = zerohops.reduce((sum, { server }) => sum + cpuUsOf(server.pid), 0);
  return { atUs: monotonicUs(), senders, cpu: readCpu(), zerohopUs };
}

/** User and system time of all threads, fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Ticks of all cores since boot; waiting for a disk is idle. */
function readCpu(): Reading['cpu'] {
  const ticks = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const all = ticks.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { busy: all - ticks[3]! - ticks[4]!, all };
}

/** Look-ups and queries that begin from `fromS` to `toS`; the readings are one a second. */
function phaseOf(
  byNode: readonly StubRecords[][],
  fromS: number,
  toS: number,
  readings: readonly Reading[],
): PhaseFigures {
  const isWithin = (atUs: number) => atUs >= fromS * 1e6 && atUs < toS * 1e6;
  const lookups = byNode.flat().flatMap((records) => records.lookups);
  const classified = byNode.map(classifyQueries);
  const queryCount = byNode
    .flat()
    .flatMap(({ queries }) => queries.filter(({ sentUs }) => isWithin(sentUs))).length;
  const latencies = (kind: 'hits' | 'misses') => {
    const queries = classified.flatMap((each) => each[kind]);
    return latenciesOf(
      queries.filter(({ sentUs }) => isWithin(sentUs)).map((each) => each.latencyUs),
    );
  };
  const [before, after] = [readings[0]!, readings.at(-1)!];
  return {
    lookups: lookupFigures(lookups.filter(({ startUs }) => isWithin(startUs))),
    hits: latencies('hits'),
    misses: latencies('misses'),
    packets: {
      sent: busiest(readings, ({ sent }) => sent),
      dropped: busiest(readings, ({ dropped }) => dropped),
      replicas: busiest(readings, ({ udp, tcp }) => udp + tcp),
    },
    zerohopUs: (after.zerohopUs - before.zerohopUs || Number.NaN) / queryCount,
    cpuShare: (after.cpu.busy - before.cpu.busy) / (after.cpu.all - before.cpu.all),
  };
}

function busiest(
  readings: readonly Reading[],
  count: (packets: SentPackets) => number,
): PacketRate {
  const [first, last] = [readings[0]!, readings.at(-1)!];
  const rate = (sender: string, before: Reading, after: Reading) =>
    ((count(after.senders.get(sender)!) - count(before.senders.get(sender)!)) * 1e6) /
    (after.atUs - before.atUs);
  const rates = [...first.senders.keys()].map((sender): PacketRate => {
    const seconds = readings.slice(1).map((each, index) => rate(sender, readings[index]!, each));
    return { sender, mean: rate(sender, first, last), peak: Math.max(...seconds) };
  });
  return rates.reduce((most, each) => (each.mean > most.mean ? each : most));
}

export function coreCount(): number {
  return cpus().length;
}
