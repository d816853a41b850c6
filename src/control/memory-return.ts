/**
 * Gives memory that nobody uses back to the kernel, a look every ten seconds, on the main thread; responders do not wait for it. What
 * each part saves is in bench/README.md.
 *
 *   garbage      V8 lets it lie until its heap has grown by half again and more, for ever after an outage: all of it is collected, and what
 *                is left moved together, when the event loop has little to do
 *   freed        malloc keeps what compilers and collectors have freed, since what is still in use lies in between: `malloc_trim`
 *   executable   the start has touched half of it, and the kernel maps sixteen pages around each: once, all of them leave our page
 *                tables (not the page cache), and what is used comes back by minor faults, of a microsecond each
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { type Libc, OS } from '../os/libc.ts';

/** The first `malloc_trim` takes 1.4 ms, a later one with nothing to give back 0.05 ms. */
const EVERY_MS = 10_000;
/** The event loop is at work for no more of the time: a collection takes 11 ms, in which a miss waits. */
const QUIET_SHARE = 0.02;
/**
 * What the heap must have grown by since the last collection, which throws compiled code away too: after one, a storm of misses takes a fifth
 * more CPU time for its first seconds (8 us of each miss, on V8's threads). So the start's garbage goes, and an outage's, not each burst's.
 */
const GROWTH_MIN_BYTES = 24e6;
/** The executable's mappings are the first of its process: a few lines of each. */
const SMAPS_OCTETS = 16_384;
/** Private pages of ours, as the relocated ones are, would be lost: a mapping that has any is left alone. */
const CLEAN_FILE =
  /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +(\S+)\n(?:\w+: .*\n)*?Anonymous: +0 kB$/gm;

/** Until the process ends; `executable` is what runs us. */
export function returnMemory(
  libc: Libc | Error,
  { everyMs = EVERY_MS, executable = process.execPath } = {},
): NodeJS.Timeout {
  const collect = createCollector();
  let isExecutableReleased = false;
  return setInterval(() => {
    collect();
    if (libc instanceof Error) return;
    libc.malloc_trim?.(0);
    if (!isExecutableReleased) releaseExecutable(libc, executable);
    isExecutableReleased = true;
  }, everyMs).unref();
}

/** Collects when it pays and nobody waits; nothing where Node runs without `--expose-gc`. */
function createCollector(): () => void {
  let limitBytes = 0;
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > QUIET_SHARE) return;
    if (getHeapStatistics().total_heap_size < limitBytes) return;
    globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
    limitBytes = getHeapStatistics().total_heap_size + GROWTH_MIN_BYTES;
  };
}

/** Returns the octets of the mappings that were released; none where the kernel does not tell them. */
export function releaseExecutable({ madvise }: Pick<Libc, 'madvise'>, executable: string): number {
  let released = 0;
  for (const [, from, to, path] of readFirstMappings().matchAll(CLEAN_FILE)) {
    if (path !== executable) continue;
    const at = Number.parseInt(from!, 16);
    const size = Number.parseInt(to!, 16) - at;
    if (madvise(at, size, OS.MADV_DONTNEED) === 0) released += size;
  }
  return released;
}

/** The whole of /proc/self/smaps costs 4 ms. */
function readFirstMappings(): string {
  try {
    const file = openSync('/proc/self/smaps', 'r');
    try {
      const text = Buffer.alloc(SMAPS_OCTETS);
      let size = 0;
      // The kernel gives a page at a time.
      for (let read = -1; read !== 0 && size < text.length; size += read) {
        read = readSync(file, text, size, text.length - size, null);
      }
      return text.toString('latin1', 0, size);
    } finally {
      closeSync(file);
    }
  } catch {
    return ''; // A kernel without it.
  }
}
