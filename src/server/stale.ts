/** Expired answers in the place of fresh ones (RFC 8767), as far as the resolver decides on them. */
import { ENTRY, ENTRY_FLAG, flagsOf, readBody } from '../cache/entry.ts';
import type { CacheKey } from '../cache/key.ts';
import type { CacheStore } from '../cache/store.ts';
import type { Question, Resolution } from '../directives/resolution.ts';
import { OPCODE, RCODE } from '../wire/registry.ts';
import type { ResponseBody } from '../wire/response.ts';
import type { Block } from './block.ts';

/** An expired answer that may still be served. */
export interface StaleAnswer {
  readonly body: ResponseBody;
  readonly isDenial: boolean;
  readonly ttlS: number;
}

/** The stale answer that may stand in for a fresh one (RFC 8767 §4), where the block's policy keeps such. */
export function staleAnswer(
  store: CacheStore,
  block: Block,
  key: CacheKey,
  question: Question,
  nowMs: number,
): StaleAnswer | undefined {
  const stale = block.cacheFor(question.qname)?.stale;
  if (stale === undefined || question.opcode !== OPCODE.QUERY) return undefined;
  const at = store.find(key);
  if (at === 0) return undefined;
  const { words, doubles } = store.memory;
  const flags = flagsOf(words, at);
  const isUsable = nowMs < doubles[(at + ENTRY.STALE) >> 1]!;
  if (!isUsable || (flags & ENTRY_FLAG.SERVER_ERROR) !== 0) return undefined;
  return {
    body: readBody(store.memory, at),
    isDenial: (flags & ENTRY_FLAG.DENIAL) !== 0,
    ttlS: stale.responseTtlS,
  };
}

/** Whether an answer takes the place of a stale one. RFC 8767 §4, and CoreDNS's verify: only these two say something about the name. */
export function replacesStale(resolution: Resolution): boolean {
  if (!resolution.ok) return false;
  const { rcode } = resolution.response.body;
  return rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
}
