/**
 * The single operations, by mitata: nanoseconds and octets of heap.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { do_not_optimize, measure } from 'mitata';
import { parseAllDocuments } from 'yaml';
import { bodyAt, ENTRY, ttlCountOf, ttlsAt } from '../../src/cache/entry.ts';
import { CacheKey, finishKey, keyFlags, setKeyName } from '../../src/cache/key.ts';
import { findEntry } from '../../src/cache/table.ts';
import { diskFiles } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { CounterRows } from '../../src/metrics/counter-rows.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { QueryFields, readQuery } from '../../src/wire/query.ts';
import { BodySource, writeReply } from '../../src/wire/reply.ts';
import { FilledCache } from './filled-cache.ts';

const SEED = { low: 0x5eed, high: 0x0dd };
const UDP_LIMIT = 1232;
const ROWS = 4;
/** A power of two: the next one is a mask away. */
const KEYS = 1024;
/**
 * Nanoseconds that no first call takes: mitata then always times thousands of calls together. It would time single ones
 * where the machine was busy in the first, and what reading the heap's size allocates would stand in each.
 */
const ALWAYS = 1e10;

export interface OperationFigures {
  readonly name: string;
  readonly ns: number;
  readonly octets: number;
}

/** `names`: in the cache, and its capacity; `minMs`: measured for so long at least. */
export async function measureOperations(names: number, minMs: number): Promise<OperationFigures[]> {
  const batched = { batch_threshold: ALWAYS, warmup_threshold: ALWAYS };
  return [
    ...(await measureEach({ ...hotPath(names), ...inserts(names) }, minMs, batched)),
    ...(await measureEach(slowPath(), minMs, {})),
  ];
}

async function measureEach(
  operations: Readonly<Record<string, () => unknown>>,
  minMs: number,
  options: object,
): Promise<OperationFigures[]> {
  const figures: OperationFigures[] = [];
  for (const [name, operation] of Object.entries(operations)) {
    const heap = () => process.memoryUsage().heapUsed;
    const stats = await measure(operation, { ...options, min_cpu_time: minMs * 1e6, heap });
    figures.push({ name, ns: stats.p50, octets: stats.heap?.avg ?? 0 });
  }
  return figures;
}

/** The four steps of a hit, each by itself on one query. */
function hotPath(names: number) {
  const cache = new FilledCache(names);
  cache.fill(0, names);
  const { memory, octets, words, querySize } = cache;
  const query = new QueryFields();
  const key = new CacheKey();
  const at = cache.ask(0, 1);
  readQuery(octets, at, querySize, query);
  const keys = Array.from({ length: KEYS }, (_, index) =>
    cache.keyOf(Math.floor((index * names) / KEYS), new CacheKey()),
  );
  const source = sourceOf(cache, findEntry(memory, keys[0]!));
  cache.ask(0, 0);
  let next = 0;
  return {
    parse: () => do_not_optimize(readQuery(octets, at, querySize, query)),
    key: () => {
      setKeyName(key, words, at >> 2, query.qnameSize);
      finishKey(key, query, 1, keyFlags(query), SEED);
      do_not_optimize(key.hash);
    },
    'look-up': () => {
      next = (next + 1) & (KEYS - 1);
      do_not_optimize(findEntry(memory, keys[next]!));
    },
    patch: () => do_not_optimize(writeReply(octets, at, query, source, UDP_LIMIT)),
  };
}

function sourceOf({ memory }: FilledCache, entry: number): BodySource {
  const source = new BodySource();
  source.octets = memory.octets;
  source.ttlOffsets = memory.halves;
  source.octetsAt = bodyAt(memory.words, entry) * 4;
  source.size = memory.words[entry + ENTRY.BODY_SIZE]!;
  source.ttlOffsetsAt = ttlsAt(memory.words, entry) * 2;
  source.ttlCount = ttlCountOf(memory.words, entry);
  source.answerCount = 1;
  source.ttlS = 30;
  return source;
}

/** Both write a name that is not there; the key is made anew each time and is part of the figure. */
function inserts(names: number) {
  const roomy = new FilledCache(names);
  const full = new FilledCache(names);
  full.fill(0, names);
  const key = new CacheKey();
  let at = 0;
  let fullAt = names;
  return {
    'remove, insert': () => {
      // In a circle, so that there is always room: what is there is removed first.
      at = (at + 1) % names;
      const entry = findEntry(roomy.memory, roomy.keyOf(at, key));
      if (entry !== 0) roomy.store.remove(entry);
      roomy.insert(key);
    },
    'evict, insert': () => full.insert(full.keyOf(fullAt++, key)),
  };
}

function slowPath() {
  const options = { file: 'Corefile', environment: {}, files: diskFiles };
  const text = deployedCorefile();
  const rows = new CounterRows(new Int32Array(1 << 16), ROWS, 2);
  for (const zone of ['.', 'cluster.local.', 'in-addr.arpa.', 'ip6.arpa.']) {
    const server = 'dns://169.254.20.10:53';
    const labels = { server, zone, protocol: 'udp', family: 1, cacheZones: zone } as const;
    rows.open({ ...labels, isReported: true });
  }
  const metrics = new Metrics(rows, { version: '1', revision: '' });
  return {
    'Corefile parse': () => do_not_optimize(parseCorefile(text, options)),
    scrape: async () => do_not_optimize(await metrics.expose()),
  };
}

/** That of the manifest, four server blocks; its placeholders are words like others. */
function deployedCorefile(): string {
  const manifest = join(import.meta.dirname, '../../deploy/nodelocaldns.yaml');
  const documents = parseAllDocuments(readFileSync(manifest, 'utf8'));
  const corefiles = documents.map((document) => document.getIn(['data', 'Corefile']));
  return String(corefiles.find((text) => text !== undefined));
}
