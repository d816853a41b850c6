/**
 * From an upstream's response to an entry: what may be kept, under which policy, and for how long it is fresh, stale and due
 * for a refresh. Also which TTL the reply to those who wait for it shows.
 */

import { ENTRY, ENTRY_FLAG, type EntryTimes, flagsOf } from '../cache/entry.ts';
import type { CacheKey } from '../cache/key.ts';
import { classify, isDenial, lifetimeMs, missTtlS } from '../cache/lifetime.ts';
import type { CachePolicy } from '../cache/policy.ts';
import type { CacheStore } from '../cache/store.ts';
import type { Octets } from '../wire/octets.ts';
import type { Response } from '../wire/response.ts';
import type { Block } from './block.ts';

/** Admits what may be admitted; returns the TTL in seconds for the replies, or -1: the response's own (nothing caches it). */
export function admit(
  store: CacheStore,
  block: Block,
  key: CacheKey,
  qname: Octets,
  response: Response,
  nowMs: number,
): number {
  const policy = block.cacheFor(qname);
  if (policy === undefined) return -1;
  const responseClass = classify(response, key.qtype);
  const ttlS = missTtlS(response, responseClass, policy);
  const lifeMs = lifetimeMs(response, responseClass, policy);
  const denies = isDenial(responseClass);
  if (lifeMs <= 0 || block.isDisabled(qname, denies)) return ttlS;
  const isServerError = responseClass === 'server_error';
  const isIncomplete = !denies && !response.facts.answersType;
  // CoreDNS 1.14: a SERVFAIL does not take the place of an answer that can still be served, nor, with `serve_stale_policy
  // prefer_positive`, anything but an answer that of an answer.
  const yields =
    isServerError || ((denies || isIncomplete) && policy.stale?.preferPositive === true);
  const lesser = isServerError
    ? ENTRY_FLAG.SERVER_ERROR
    : ENTRY_FLAG.DENIAL | ENTRY_FLAG.INCOMPLETE;
  if (yields && hasUsableAnswer(store, key, lesser, nowMs)) return ttlS;
  const flags =
    (denies ? ENTRY_FLAG.DENIAL : 0) |
    (isServerError ? ENTRY_FLAG.SERVER_ERROR : 0) |
    (isIncomplete ? ENTRY_FLAG.INCOMPLETE : 0) |
    (policy.stale?.mode === 'verify' ? ENTRY_FLAG.VERIFY : 0) |
    (policy.keepTtl ? ENTRY_FLAG.KEEP_TTL : 0);
  const times = timesOf(lifeMs, isServerError, policy, nowMs);
  store.admit(key, response.body, flags, times, nowMs);
  return ttlS;
}

/** Whether there is an entry that is not `lesser` and may still be served. */
function hasUsableAnswer(store: CacheStore, key: CacheKey, lesser: number, nowMs: number): boolean {
  const at = store.find(key);
  if (at === 0) return false;
  const { words, doubles } = store.memory;
  if ((flagsOf(words, at) & lesser) !== 0) return false;
  return nowMs < doubles[(at + ENTRY.STALE) >> 1]!;
}

function timesOf(
  lifeMs: number,
  isServerError: boolean,
  policy: CachePolicy,
  nowMs: number,
): EntryTimes {
  const expiresAtMs = nowMs + lifeMs;
  const { prefetch, stale } = policy;
  const ttlS = Math.floor(lifeMs / 1000);
  // CoreDNS: due when the seconds left are at most the percentage of the TTL, rounded up.
  const prefetchLeftMs = Math.ceil((ttlS * (prefetch?.percentage ?? 0)) / 100) * 1000;
  const prefetches = prefetch !== undefined && !isServerError;
  return {
    expiresAtMs,
    // An error is never served beyond its time (RFC 8767 §4 speaks of data).
    staleUntilMs: expiresAtMs + (isServerError ? 0 : (stale?.durationMs ?? 0)),
    prefetchAtMs: prefetches ? expiresAtMs - prefetchLeftMs : Number.POSITIVE_INFINITY,
    prefetchHits: prefetches ? prefetch.amount : 0,
    prefetchPauseMs: prefetches ? prefetch.durationMs : 0,
    ttlS,
    staleTtlS: stale?.responseTtlS ?? 0,
  };
}
