/**
 * The cache memory: one block of fixed size that the resolver writes and every responder reads.
 *
 *   header      magic, version, the plan's numbers                                        1 page
 *   epochs      word 0: the global epoch; then one line of 64 octets per reader           see epochs.ts
 *   counters    rows of words, one copy per writer                                        see metrics/counter-rows.ts
 *   rings       per reader: "refresh me" requests                                         see refresh-ring.ts
 *   marks       per reader: four words a slot                                             see marks.ts
 *   buckets     one word each: the first entry of a hash chain                            see table.ts
 *   slab        units of 64 octets: the entries                                           see slab.ts, entry.ts
 *
 * It is a memfd mapped into the process where libc can be called, so that it survives the process if somebody else holds
 * its descriptor; else a SharedArrayBuffer of fixed size (a growable one is 10 to 50 times slower to read). Pages that are
 * never touched cost nothing, so the plan may be generous.
 */
import { assert } from '../base/invariant.ts';
import { loadLibc, OS, Pinned } from '../os/libc.ts';

const MAGIC = 0x7a68_6f70; // "zhop"
/** Raised with every change of the layout: memory of another version is not adopted. */
const LAYOUT_VERSION = 2;
const PAGE = 4096;
export const LINE = 64;
export const UNIT = 64;
export const UNIT_WORDS = UNIT / 4;
export const MARK_WORDS = 4;
/** Requests a reader may have waiting; a full ring drops the request, the next hit asks again. */
export const REFRESH_RING_SIZE = 1024;

export interface MemoryPlan {
  /** Entries at most. */
  readonly slotCount: number;
  /** A power of two. */
  readonly bucketCount: number;
  /** Units of 64 octets in the slab; unit 0 is never used. */
  readonly unitCount: number;
  readonly readerCount: number;
  readonly counterBytes: number;
}

/** What a thread needs to see the same memory. A view over mapped memory would be copied by `postMessage`; an address is not. */
export type MemoryHandle =
  | {
      readonly kind: 'mapped';
      readonly address: number;
      readonly fd: number;
      readonly plan: MemoryPlan;
    }
  | { readonly kind: 'shared'; readonly buffer: SharedArrayBuffer; readonly plan: MemoryPlan };

export class CacheMemory {
  readonly handle: MemoryHandle;
  readonly plan: MemoryPlan;
  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly octets: Uint8Array;
  readonly doubles: Float64Array;
  /** Word indexes of the regions. */
  readonly epochAt: number;
  readonly countersAt: number;
  readonly ringsAt: number;
  readonly marksAt: number;
  readonly bucketsAt: number;
  readonly slabAt: number;

  private constructor(handle: MemoryHandle, buffer: ArrayBuffer | SharedArrayBuffer) {
    this.handle = handle;
    this.plan = handle.plan;
    const regions = layOut(handle.plan);
    this.words = new Int32Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.octets = new Uint8Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.epochAt = regions.epochs / 4;
    this.countersAt = regions.counters / 4;
    this.ringsAt = regions.rings / 4;
    this.marksAt = regions.marks / 4;
    this.bucketsAt = regions.buckets / 4;
    this.slabAt = regions.slab / 4;
  }

  /** Fresh, zeroed memory of `plan`'s size. Throws where the system has none to give. */
  static create(plan: MemoryPlan): CacheMemory {
    assert((plan.bucketCount & (plan.bucketCount - 1)) === 0, 'bucketCount is a power of two');
    const { size } = layOut(plan);
    const memory = CacheMemory.attach(mapMemfd(plan, size) ?? shareBuffer(plan, size));
    memory.words.set([MAGIC, LAYOUT_VERSION]);
    return memory;
  }

  /** The same memory seen from another thread. */
  static attach(handle: MemoryHandle): CacheMemory {
    if (handle.kind === 'shared') return new CacheMemory(handle, handle.buffer);
    const libc = loadLibc();
    assert(!(libc instanceof Error), 'mapped memory is only handed to threads that can call libc');
    return new CacheMemory(handle, libc.view(handle.address, layOut(handle.plan).size));
  }
}

/** Octets the plan takes in all. */
export function memoryBytes(plan: MemoryPlan): number {
  return layOut(plan).size;
}

function layOut(plan: MemoryPlan) {
  const epochs = PAGE;
  const counters = pageUp(epochs + LINE * (1 + plan.readerCount));
  const rings = pageUp(counters + plan.counterBytes);
  const marks = pageUp(rings + plan.readerCount * (REFRESH_RING_SIZE * 4 + 2 * LINE));
  const buckets = pageUp(marks + plan.readerCount * plan.slotCount * MARK_WORDS * 4);
  const slab = pageUp(buckets + plan.bucketCount * 4);
  return {
    epochs,
    counters,
    rings,
    marks,
    buckets,
    slab,
    size: pageUp(slab + plan.unitCount * UNIT),
  };
}

function pageUp(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}

function mapMemfd(plan: MemoryPlan, size: number): MemoryHandle | undefined {
  const libc = loadLibc();
  if (libc instanceof Error) return undefined;
  const name = new Pinned(libc, 16);
  name.octets.set(new TextEncoder().encode('zerohop-cache\0'));
  const fd = libc.memfd_create(name.address, OS.MFD_CLOEXEC);
  if (fd < 0) return undefined;
  const address =
    libc.ftruncate(fd, size) === 0
      ? libc.mmap(0, size, OS.PROT_READ_WRITE, OS.MAP_SHARED, fd, 0)
      : -1;
  if (address === -1) {
    libc.close(fd);
    return undefined;
  }
  return { kind: 'mapped', address, fd, plan };
}

function shareBuffer(plan: MemoryPlan, size: number): MemoryHandle {
  return { kind: 'shared', buffer: new SharedArrayBuffer(size), plan };
}
