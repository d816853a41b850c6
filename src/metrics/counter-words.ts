/**
 * The words in which a thread counts, and the functions that count: the hot path's half of this room.
 *
 * A counter block is an Int32Array region that one thread writes and the resolver reads (counter-rows.ts). It holds plain
 * 32-bit words that wrap; the writer adds without Atomics, since it is alone and an aligned word does not tear (arm64 and
 * x86-64 alike), and the reader needs no order between words: a scrape may see a request before its response.
 *
 *   a row        one (server, zone, protocol, family): 127 words, padded to 128    offsets in ROW
 *   a writer     what belongs to a thread as a whole: 32 words                    offsets in WRITER
 *
 * Histogram words count their own bucket only; they become cumulative when they are exposed. Nothing here allocates,
 * knows a name, or checks its arguments: all of them are whole numbers, `base` is the first word of the row or writer.
 */

/** The types that CoreDNS names in `coredns_dns_requests_total` (plugin/metrics/vars, 1.14.3 and later); others are `other`. */
export const COUNTED_TYPES: ReadonlyArray<readonly [name: string, qtype: number]> = [
  ['A', 1],
  ['AAAA', 28],
  ['CNAME', 5],
  ['DNSKEY', 48],
  ['DS', 43],
  ['MX', 15],
  ['NSEC', 47],
  ['NSEC3', 50],
  ['NS', 2],
  ['PTR', 12],
  ['RRSIG', 46],
  ['SOA', 6],
  ['SRV', 33],
  ['TXT', 16],
  ['HTTPS', 65],
  ['SVCB', 64],
  ['IXFR', 251],
  ['AXFR', 252],
  ['ANY', 255],
];
const OTHER_TYPE = COUNTED_TYPES.length;

/** Upper bounds in octets of CoreDNS's request and response sizes (8291 is spelled so there). */
export const SIZE_BUCKETS = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000,
] as const;

/** Upper bounds in seconds of CoreDNS's request durations (plugin.TimeBuckets): 0.00025 doubled up to 8.192. */
export const DURATION_BUCKETS = doubled(0.00025, 16);
/** Upper bounds in seconds of a reply's time in the responder: 10 us, about one query's CPU, up to 0.33 s. */
export const ARRIVAL_TO_SEND_BUCKETS = doubled(0.00001, 16);
/** Upper bounds of a batch; 64 is the most that one `recvmmsg` takes. */
export const BATCH_SIZE_BUCKETS = doubled(1, 7);

const DURATION_FIRST_US = 250;
const ARRIVAL_TO_SEND_FIRST_US = 10;

/** Rcodes 0..23 have a word each (BADCOOKIE is the last assigned, RFC 6895 §2.3); the last word is for all others. */
export const RCODE_WORDS = 25;

/** Word offsets in a row. A histogram has one bucket more than bounds: the last is +Inf. */
export const ROW = {
  requestsByType: 0,
  doRequests: 20,
  requestSizeBuckets: 21,
  requestOctets: 36,
  responseSizeBuckets: 37,
  responseOctets: 52,
  durationBuckets: 53,
  /** A sum of durations is `fine + 64 * coarse` microseconds, see addDuration. */
  durationFineUs: 70,
  durationCoarse: 71,
  /** Responses that `cache` wrote. */
  cacheResponsesByRcode: 72,
  /** Responses made before the directive chain, whose `plugin` label is empty. */
  chainlessResponsesByRcode: 97,
  cacheHitsSuccess: 122,
  cacheHitsDenial: 123,
  cacheMisses: 124,
  servedStale: 125,
  /** Datagrams that get no reply: a response (QR=1), or too short for a header. */
  ignoredDatagrams: 126,
} as const;
/** 512 octets: rows start on cache lines of 64 octets, so that no two writers share one. */
export const ROW_WORDS = 128;

/** Word offsets in a writer. */
export const WRITER = {
  batchSizeBuckets: 0,
  batchedDatagrams: 8,
  arrivalToSendBuckets: 9,
  arrivalToSendFineUs: 26,
  arrivalToSendCoarse: 27,
  receiveQueueDrops: 28,
  /** Misses dropped because the miss ring was full. */
  missRingFull: 29,
  /** Refreshes not asked for because the refresh ring was full. */
  refreshRingFull: 30,
  /** Replies that the kernel refused to send. */
  sendFailures: 31,
} as const;
export const WRITER_WORDS = 32;

/** QTYPE to index in ROW.requestsByType, for the types below 256; all that CoreDNS names are there. */
const TYPE_INDEX = new Uint8Array(256).fill(OTHER_TYPE);
for (const [index, [, qtype]] of COUNTED_TYPES.entries()) TYPE_INDEX[qtype] = index;

/** Size to bucket for nearly all messages; 4095 is a bound, so the buckets after it start at 4096. */
const SMALL_SIZE_END = 4096;
const SIZE_BUCKET = new Uint8Array(SMALL_SIZE_END);
for (let size = 0; size < SMALL_SIZE_END; size++) {
  SIZE_BUCKET[size] = SIZE_BUCKETS.findIndex((bound) => size <= bound);
}

/** Counts what CoreDNS's `prometheus` reports of every request, except who answered: types, DO, sizes, duration. */
export function countRequest(
  words: Int32Array,
  base: number,
  qtype: number,
  dnssecOk: number,
  requestSize: number,
  responseSize: number,
  durationUs: number,
): void {
  add(words, base + ROW.requestsByType + typeIndex(qtype), 1);
  add(words, base + ROW.doRequests, dnssecOk);
  add(words, base + ROW.requestSizeBuckets + sizeBucket(requestSize), 1);
  add(words, base + ROW.requestOctets, requestSize);
  add(words, base + ROW.responseSizeBuckets + sizeBucket(responseSize), 1);
  add(words, base + ROW.responseOctets, responseSize);
  add(words, base + ROW.durationBuckets + doublingBucket(durationUs, DURATION_FIRST_US, 16), 1);
  addDuration(words, base + ROW.durationFineUs, durationUs);
}

/** Counts a find in the cache; `isDenial` and `isStale` are 0 or 1. A stale answer is a hit too, as in CoreDNS. */
export function countCacheHit(
  words: Int32Array,
  base: number,
  isDenial: number,
  isStale: number,
): void {
  add(words, base + ROW.cacheHitsSuccess + isDenial, 1);
  add(words, base + ROW.servedStale, isStale);
}

/** Counts a response that `cache` wrote. */
export function countCacheResponse(words: Int32Array, base: number, rcode: number): void {
  add(words, base + ROW.cacheResponsesByRcode + rcodeIndex(rcode), 1);
}

/** Counts a look-up that found nothing; hits and misses together are the cache's requests. */
export function countCacheMiss(words: Int32Array, base: number): void {
  add(words, base + ROW.cacheMisses, 1);
}

/** Counts a response that no directive wrote: a refusal, an internal failure. */
export function countChainlessResponse(words: Int32Array, base: number, rcode: number): void {
  add(words, base + ROW.chainlessResponsesByRcode + rcodeIndex(rcode), 1);
}

/** Counts a datagram that gets no reply. */
export function countIgnoredDatagram(words: Int32Array, base: number): void {
  add(words, base + ROW.ignoredDatagrams, 1);
}

/** Counts one batch of `size` datagrams, 1 or more. */
export function countBatch(words: Int32Array, writerBase: number, size: number): void {
  add(words, writerBase + WRITER.batchSizeBuckets + doublingBucket(size, 1, 7), 1);
  add(words, writerBase + WRITER.batchedDatagrams, size);
}

/** Records one sample of the time from a datagram's arrival in the kernel to its reply's `sendmmsg`. */
export function observeArrivalToSend(words: Int32Array, writerBase: number, us: number): void {
  const bucket = doublingBucket(us, ARRIVAL_TO_SEND_FIRST_US, 16);
  add(words, writerBase + WRITER.arrivalToSendBuckets + bucket, 1);
  addDuration(words, writerBase + WRITER.arrivalToSendFineUs, us);
}

/** Adds what the kernel dropped at a full receive queue since the last call. */
export function countReceiveQueueDrops(words: Int32Array, writerBase: number, drops: number): void {
  add(words, writerBase + WRITER.receiveQueueDrops, drops);
}

/** Counts a miss that found the ring to the resolver full; it is dropped, the stub asks again. */
export function countMissRingFull(words: Int32Array, writerBase: number): void {
  add(words, writerBase + WRITER.missRingFull, 1);
}

/** Counts a refresh that found the ring to the resolver full; the entry's next hit asks again. */
export function countRefreshRingFull(words: Int32Array, writerBase: number): void {
  add(words, writerBase + WRITER.refreshRingFull, 1);
}

/** Adds the replies of a batch that the kernel refused to send. */
export function countSendFailures(words: Int32Array, writerBase: number, count: number): void {
  add(words, writerBase + WRITER.sendFailures, count);
}

/** The index of the first of SIZE_BUCKETS that is not below `size`; their count where all are. */
export function sizeBucket(size: number): number {
  if (size < SMALL_SIZE_END) return SIZE_BUCKET[size]!;
  if (size <= 8291) return 9;
  if (size <= 16000) return 10;
  if (size <= 32000) return 11;
  if (size <= 48000) return 12;
  return size <= 64000 ? 13 : 14;
}

/**
 * The index of the first bound not below `value`, where bounds are `first` doubled again and again; at most `last`.
 * `value` <= first * 2^i exactly where floor((value - 1) / first) has at most i bits.
 */
export function doublingBucket(value: number, first: number, last: number): number {
  return Math.min(last, 32 - Math.clz32((value - 1) / first));
}

/** The index of a type in ROW.requestsByType. */
export function typeIndex(qtype: number): number {
  return qtype < 256 ? TYPE_INDEX[qtype]! : OTHER_TYPE;
}

/** The index of an rcode in its rows. */
export function rcodeIndex(rcode: number): number {
  return Math.min(rcode, RCODE_WORDS - 1);
}

/**
 * Adds to a sum of two words. With upstreams away thousands of queries may each last 5 s, and one 32-bit word of
 * microseconds would wrap after 4295 s of them, more than once between two folds; the coarse word carries 274,877 s.
 */
function addDuration(words: Int32Array, fine: number, us: number): void {
  add(words, fine, us & 63);
  add(words, fine + 1, us >>> 6);
}

function add(words: Int32Array, index: number, amount: number): void {
  words[index] = (words[index]! + amount) | 0;
}

function doubled(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, power) => first * 2 ** power);
}
