/**
 * All series at work: a family for each entry of series.ts, the registry that writes them, and the moment of a scrape,
 * when the shared counters and the process's statistics are read. The rooms count in cells of `families`, which they look
 * up once; endpoint.ts shows the result. Everything here belongs to the resolver's thread.
 */
import { setImmediate } from 'node:timers/promises';
import Registry from 'prom-client/lib/registry.js';
import type { CounterRows } from './counter-rows.ts';
import { createFamilies, type Families } from './families.ts';
import { readProcessStats } from './process-stats.ts';
import { exposeRows } from './row-exposition.ts';

/** The labels of `coredns_build_info`. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
}

/** The kinds of set-up failure that node-cache counts; each is there at 0 from the start. */
export const SETUP_ERROR_TYPES = [
  'iptables',
  'iptables_lock',
  'interface_add',
  'interface_check',
  'configmap',
] as const;

/** The codes that promhttp shows from the start. */
const SCRAPE_CODES = ['200', '500', '503'] as const;

export class Metrics {
  readonly registry = new Registry();
  readonly families: Families;
  readonly rows: CounterRows;
  /** Called before each exposition: sets what is counted elsewhere. */
  collect: () => void = () => {};

  constructor(rows: CounterRows, build: BuildInfo) {
    this.rows = rows;
    this.families = createFamilies();
    for (const family of Object.values(this.families)) this.registry.registerMetric(family);
    this.families.buildInfo.cell(build.version, build.revision, process.version).value = 1;
    for (const errorType of SETUP_ERROR_TYPES) this.families.setupErrors.cell(errorType);
    for (const code of SCRAPE_CODES) this.families.scrapes.cell(code);
  }

  /** Reads the shared counters; between scrapes every few seconds, so that no word wraps twice unseen. */
  fold(): void {
    exposeRows(this.families, this.rows);
  }

  /** The text of all series: one family a turn of the event loop, so that queries do not wait for the whole of it. */
  async expose(): Promise<string> {
    this.fold();
    this.collect();
    this.#readProcess();
    this.#countOverflows();
    const texts: string[] = [];
    for (const family of Object.values(this.families)) {
      texts.push(await this.registry.getMetricsAsString(family));
      await setImmediate();
    }
    return `${texts.join('\n')}\n`;
  }

  /**
   * Closes every other row, once no writer uses them, and forgets the label sets of servers, zones and caches that no row
   * has any more. Cells of those are not shown from then on, wherever they are still held.
   */
  retainRows(rows: ReadonlySet<number>): void {
    this.fold();
    this.rows.retain(rows);
    const known = new Set<string>();
    for (const [, { server, zone, cacheZones }] of this.rows.opened()) {
      known
        .add(scope(server))
        .add(scope(server, zone))
        .add(scope(server, undefined, cacheZones));
    }
    for (const family of Object.values(this.families)) {
      family.retain(({ server, zone, zones, class: qclass }) => {
        if (server === undefined) return true;
        // A template's zone is its own, not one of the server's.
        return known.has(qclass === undefined ? scope(server, zone, zones) : scope(server));
      });
    }
  }

  #readProcess(): void {
    const stats = readProcessStats();
    if (!stats) return;
    const { families } = this;
    families.processCpu.cell().value = stats.cpuS;
    families.processOpenFds.cell().value = stats.openFdCount;
    families.processMaxFds.cell().value = stats.maxFdCount;
    families.processVirtualMemory.cell().value = stats.virtualBytes;
    families.processVirtualMemoryMax.cell().value = stats.virtualMaxBytes;
    families.processResidentMemory.cell().value = stats.residentBytes;
    families.processStartTime.cell().value = stats.startedAtS;
    families.processNetworkReceive.cell().value = stats.receivedBytes;
    families.processNetworkTransmit.cell().value = stats.transmittedBytes;
  }

  #countOverflows(): void {
    const families = Object.values(this.families);
    const count = families.reduce(
      (sum, family) => sum + family.overflowCount,
      this.rows.overflowCount,
    );
    this.families.seriesOverflows.cell().value = count;
  }
}

/** A key for what a label set belongs to: a server, one of its zones, or one of its caches. */
function scope(server: string, zone?: string, cacheZones?: string): string {
  return JSON.stringify([server, zone, cacheZones]);
}
