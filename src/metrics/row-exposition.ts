/**
 * Translates the shared counters into cells of families: each call moves what the words have grown by since the last one.
 * Growth is added, so rows that share a cell (two address families, two zones of one `cache`) need not know each other.
 * A cell appears with its first count, as a label set does in CoreDNS.
 */
import type { CounterRows, RowLabels } from './counter-rows.ts';
import { COUNTED_TYPES, RCODE_WORDS, ROW, WRITER } from './counter-words.ts';
import type { Families } from './families.ts';
import type { HistogramCell } from './family.ts';

/** Gives the growth of the word at an offset, and forgets it. */
type Take = (offset: number) => number;

/** miekg/dns's names of rcodes, which CoreDNS prints; 16 is BADSIG there, though the server says BADVERS with it. */
const RCODE_NAMES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
  11: 'DSOTYPENI',
  16: 'BADSIG',
  17: 'BADKEY',
  18: 'BADTIME',
  19: 'BADMODE',
  20: 'BADNAME',
  21: 'BADALG',
  22: 'BADTRUNC',
  23: 'BADCOOKIE',
};

/** The `rcode` label as CoreDNS writes it: the name, or RCODE and the number. */
export function rcodeLabel(rcode: number): string {
  return RCODE_NAMES[rcode] ?? `RCODE${rcode}`;
}

/** No server block has a view. */
const VIEW = '';

/** Moves the growth of every open row and of the writers; `rows` is folded first. */
export function exposeRows(families: Families, rows: CounterRows): void {
  rows.fold();
  for (const [row, labels] of rows.opened()) {
    const take: Take = (offset) => rows.takeRow(row, offset);
    if (labels.isReported) {
      exposeRequests(families, labels, take);
      exposeResponses(families, labels, take);
    }
    if (labels.cacheZones !== undefined) {
      exposeCache(families, labels.server, labels.cacheZones, take);
    }
    families.ignoredDatagrams.cell(labels.server).value += take(ROW.ignoredDatagrams);
  }
  exposeWriters(families, (offset) => rows.takeWriters(offset));
}

function exposeRequests(families: Families, labels: RowLabels, take: Take): void {
  const { server, zone, protocol } = labels;
  const family = String(labels.family);
  let requestCount = 0;
  for (let index = 0; index <= COUNTED_TYPES.length; index++) {
    const count = take(ROW.requestsByType + index);
    if (count === 0) continue;
    requestCount += count;
    const type = COUNTED_TYPES[index]?.[0] ?? 'other';
    families.dnsRequests.cell(server, zone, VIEW, protocol, family, type).value += count;
  }
  if (requestCount === 0) return;
  const doCount = take(ROW.doRequests);
  if (doCount > 0) families.dnsDoRequests.cell(server, zone, VIEW).value += doCount;
  const requestSize = families.dnsRequestSize.cell(server, zone, VIEW, protocol);
  addBuckets(requestSize, take, ROW.requestSizeBuckets);
  requestSize.sum += take(ROW.requestOctets);
  const responseSize = families.dnsResponseSize.cell(server, zone, VIEW, protocol);
  addBuckets(responseSize, take, ROW.responseSizeBuckets);
  responseSize.sum += take(ROW.responseOctets);
  const duration = families.dnsRequestDuration.cell(server, zone, VIEW);
  addBuckets(duration, take, ROW.durationBuckets);
  duration.sum += takeDurationS(take, ROW.durationFineUs);
}

function exposeResponses(families: Families, labels: RowLabels, take: Take): void {
  const writers = [
    ['cache', ROW.cacheResponsesByRcode],
    ['', ROW.chainlessResponsesByRcode],
  ] as const;
  for (const [plugin, offset] of writers) {
    for (let rcode = 0; rcode < RCODE_WORDS; rcode++) {
      const count = take(offset + rcode);
      if (count === 0) continue;
      const label = rcode === RCODE_WORDS - 1 ? 'other' : rcodeLabel(rcode);
      families.dnsResponses.cell(labels.server, labels.zone, VIEW, label, plugin).value += count;
    }
  }
}

function exposeCache(families: Families, server: string, zones: string, take: Take): void {
  const success = take(ROW.cacheHitsSuccess);
  const denial = take(ROW.cacheHitsDenial);
  const misses = take(ROW.cacheMisses);
  const stale = take(ROW.servedStale);
  if (success > 0) families.cacheHits.cell(server, 'success', zones, VIEW).value += success;
  if (denial > 0) families.cacheHits.cell(server, 'denial', zones, VIEW).value += denial;
  if (misses > 0) families.cacheMisses.cell(server, zones, VIEW).value += misses;
  if (stale > 0) families.cacheServedStale.cell(server, zones, VIEW).value += stale;
  const requests = success + denial + misses;
  if (requests > 0) families.cacheRequests.cell(server, zones, VIEW).value += requests;
}

function exposeWriters(families: Families, take: Take): void {
  const batchSize = families.responderBatchSize.cell();
  addBuckets(batchSize, take, WRITER.batchSizeBuckets);
  batchSize.sum += take(WRITER.batchedDatagrams);
  const arrivalToSend = families.arrivalToSend.cell();
  addBuckets(arrivalToSend, take, WRITER.arrivalToSendBuckets);
  arrivalToSend.sum += takeDurationS(take, WRITER.arrivalToSendFineUs);
  families.receiveQueueDrops.cell().value += take(WRITER.receiveQueueDrops);
  families.missesDropped.cell().value += take(WRITER.missRingFull);
  families.refreshesDropped.cell().value += take(WRITER.refreshRingFull);
  families.sendFailures.cell('responder').value += take(WRITER.sendFailures);
}

function addBuckets(cell: HistogramCell, take: Take, offset: number): void {
  for (let bucket = 0; bucket < cell.counts.length; bucket++) {
    cell.counts[bucket]! += take(offset + bucket);
  }
}

/** A sum of durations from its two words, in seconds. */
function takeDurationS(take: Take, fineOffset: number): number {
  return (take(fineOffset) + 64 * take(fineOffset + 1)) / 1e6;
}
