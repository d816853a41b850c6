/** V8's profiles in pprof's form (profile.proto), for `go tool pprof` and whatever else reads it. */
import type { Profile } from 'pprof-format';
import type { CpuProfile, HeapProfile } from './profiler.ts';

type CallFrame = CpuProfile['nodes'][number]['callFrame'];

interface ValueKind {
  readonly type: string;
  readonly unit: string;
}

/** A place where something was seen, with the way to it, innermost first. */
interface Stack {
  readonly frames: readonly CallFrame[];
  readonly values: readonly number[];
}

const CPU_KINDS: readonly ValueKind[] = [
  { type: 'samples', unit: 'count' },
  { type: 'cpu', unit: 'nanoseconds' },
];
const HEAP_KINDS: readonly ValueKind[] = [{ type: 'inuse_space', unit: 'bytes' }];

export async function encodeCpuProfile(profile: CpuProfile): Promise<Uint8Array> {
  const durationUs = profile.endTime - profile.startTime;
  return encode(cpuStacks(profile), CPU_KINDS, durationUs * 1000);
}

export async function encodeHeapProfile(profile: HeapProfile): Promise<Uint8Array> {
  return encode(heapStacks(profile), HEAP_KINDS, 0);
}

function cpuStacks({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Stack[] {
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const seen = new Map<number, { count: number; ns: number }>();
  for (const [index, id] of samples.entries()) {
    const at = seen.get(id) ?? { count: 0, ns: 0 };
    at.count += 1;
    at.ns += Math.max(0, timeDeltas[index] ?? 0) * 1000;
    seen.set(id, at);
  }
  return [...seen].map(([id, { count, ns }]) => {
    const frames: CallFrame[] = [];
    // The last node is `(root)`, which is no function.
    for (let at: number | undefined = id; parents.has(at!); at = parents.get(at!)) {
      frames.push(byId.get(at!)!.callFrame);
    }
    return { frames, values: [count, ns] };
  });
}

function heapStacks({ head }: HeapProfile): Stack[] {
  const stacks: Stack[] = [];
  const walk = (node: HeapProfile['head'], above: readonly CallFrame[]) => {
    const frames = node === head ? above : [node.callFrame, ...above];
    if (node.selfSize > 0) stacks.push({ frames, values: [node.selfSize] });
    for (const child of node.children) walk(child, frames);
  };
  walk(head, []);
  return stacks;
}

async function encode(
  stacks: readonly Stack[],
  kinds: readonly ValueKind[],
  durationNanos: number,
): Promise<Uint8Array> {
  const pprof = await import('pprof-format');
  const stringTable = new pprof.StringTable();
  const locations = new Map<string, { id: number; frame: CallFrame }>();
  const locationOf = (frame: CallFrame): number => {
    const key = `${frame.scriptId}:${frame.lineNumber}:${frame.columnNumber}:${frame.functionName}`;
    const known = locations.get(key) ?? { id: locations.size + 1, frame };
    locations.set(key, known);
    return known.id;
  };
  const sample = stacks.map(
    ({ frames, values }) =>
      new pprof.Sample({ locationId: frames.map(locationOf), value: [...values] }),
  );
  const all = [...locations.values()];
  const profile: Profile = new pprof.Profile({
    sampleType: kinds.map(
      ({ type, unit }) =>
        new pprof.ValueType({ type: stringTable.dedup(type), unit: stringTable.dedup(unit) }),
    ),
    sample,
    location: all.map(
      ({ id, frame }) =>
        new pprof.Location({
          id,
          line: [new pprof.Line({ functionId: id, line: frame.lineNumber + 1 })],
        }),
    ),
    function: all.map(
      ({ id, frame }) =>
        new pprof.Function({
          id,
          name: stringTable.dedup(frame.functionName || '(anonymous)'),
          systemName: stringTable.dedup(frame.functionName || '(anonymous)'),
          filename: stringTable.dedup(frame.url),
          startLine: frame.lineNumber + 1,
        }),
    ),
    stringTable,
    timeNanos: BigInt(Date.now()) * 1_000_000n,
    durationNanos,
  });
  return profile.encode();
}
