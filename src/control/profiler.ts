/**
 * V8's own profiles of the main thread, through an inspector session within the process: no port is opened. Sampling of the heap runs
 * from `start` to `stop`, as Go's always does; the CPU is sampled on demand, by one at a time.
 */
import type { Profiler as CpuProfiler, HeapProfiler } from 'node:inspector';
import type { Session } from 'node:inspector/promises';
import { setTimeout } from 'node:timers/promises';

/** Octets allocated between two samples, in the mean: Go's default rate. */
const HEAP_INTERVAL_BYTES = 512 * 1024;
/** Between two samples of the CPU: Go's 100 a second are too coarse for a batch of 64 queries. */
const CPU_INTERVAL_US = 1_000;

export type CpuProfile = CpuProfiler.Profile;
export type HeapProfile = HeapProfiler.SamplingHeapProfile;

export class Profiler {
  #session: Session | undefined;
  #isBusy = false;

  async start(): Promise<void> {
    const { Session } = await import('node:inspector/promises');
    this.#session = new Session();
    this.#session.connect();
    const samplingInterval = HEAP_INTERVAL_BYTES;
    await this.#session.post('HeapProfiler.startSampling', { samplingInterval });
  }

  stop(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }

  /** What stands on the heap, by who allocated it since `start`. */
  async heap(): Promise<HeapProfile> {
    const { profile } = await this.#running().post('HeapProfiler.getSamplingProfile');
    return profile;
  }

  /** What the CPU did for so long; undefined while another asks for it. */
  async cpu(durationMs: number): Promise<CpuProfile | undefined> {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    try {
      const session = this.#running();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_US });
      await session.post('Profiler.start');
      await setTimeout(durationMs, undefined, { ref: false });
      const { profile } = await session.post('Profiler.stop');
      return profile;
    } finally {
      this.#isBusy = false;
    }
  }

  #running(): Session {
    if (this.#session === undefined) throw new Error('the profiler has been stopped');
    return this.#session;
  }
}
