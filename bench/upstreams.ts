/**
 * The three upstreams of a benchmark (`load/upstream.ts`), each a process on the load's core, and what they counted.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { UpstreamCounts } from './load/upstream.ts';
import { type Child, startProcess } from './processes.ts';
import { ZONE } from './workload/workload.ts';

const PROGRAM = join(import.meta.dirname, 'load/upstream.ts');
const READY_TIMEOUT_MS = 30_000;
/** A short way inside a cluster, and what the ordered one takes for each answer. */
const DELAY_MS = 5;
/** Together 15 s: several slow names, one behind the other. */
const SETTLING_LOOKS_MAX = 300;
const SETTLING_INTERVAL_MS = 50;

/** Which upstream a server asks for a zone; `.` is all that is not in another one. */
export interface UpstreamZone {
  readonly zone: string;
  readonly port: number;
}

export class Upstreams {
  readonly zones: readonly UpstreamZone[];
  readonly #children: readonly Child[];

  private constructor(children: readonly Child[], zones: readonly UpstreamZone[]) {
    this.#children = children;
    this.zones = zones;
  }

  static async start(core: number | undefined): Promise<Upstreams> {
    const flags: readonly (readonly [string, readonly string[]])[] = [
      ['.', []],
      [ZONE.DELAYED, [`--delay=${DELAY_MS}`]],
      [ZONE.ORDERED, [`--delay=${DELAY_MS}`, '--ordered']],
    ];
    const children = flags.map(([, options]) =>
      startProcess([process.execPath, PROGRAM, ...options], core),
    );
    const ports = await Promise.all(children.map((child) => child.firstLine(READY_TIMEOUT_MS)));
    return new Upstreams(
      children,
      flags.map(([zone], index) => ({ zone, port: Number(ports[index]) })),
    );
  }

  /** Summed over the three; `active` since the last call. */
  async counts(): Promise<UpstreamCounts> {
    const lines = await Promise.all(
      this.#children.map((child) => child.ask('counts', READY_TIMEOUT_MS)),
    );
    const each = lines.map((line) => JSON.parse(line) as UpstreamCounts);
    const sum = (value: (counts: UpstreamCounts) => number) =>
      each.reduce((total, counts) => total + value(counts), 0);
    return {
      queries: sum(({ queries }) => queries),
      packets: sum(({ packets }) => packets),
      open: sum(({ open }) => open),
      active: sum(({ active }) => active),
      waiting: sum(({ waiting }) => waiting),
    };
  }

  /** What a run has left in the queue of the ordered upstream must not count in the next one. */
  async settled(): Promise<void> {
    for (let look = 0; look < SETTLING_LOOKS_MAX; look++) {
      if ((await this.counts()).waiting === 0) return;
      await pause(SETTLING_INTERVAL_MS);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }
}
