/**
 * What may be cached and for how long: CoreDNS's classification (plugin/pkg/response) and TTL rules (plugin/cache), with
 * RFC 2308 for negative answers and RFC 8767 for stale ones. Pure.
 */

import { OPCODE, QTYPE, RCODE } from '../wire/registry.ts';
import type { Response } from '../wire/response.ts';
import type { CachePolicy } from './policy.ts';

/** CoreDNS's dnsutil.MinimalDefaultTTL: what an answer without a TTL of its own gets. */
const TTL_DEFAULT_S = 5;

export type ResponseClass = 'success' | 'nodata' | 'nxdomain' | 'server_error' | 'other';

/**
 * The class of a response to `qtype`. Differs from the RFCs where CoreDNS does: an NXDOMAIN without SOA is not cacheable
 * at all (RFC 2308 §5 says SHOULD NOT), NOTIMP is kept like SERVFAIL. Differs from CoreDNS: an empty NOERROR without SOA is
 * 'other' (as in 1.14.7; older ones keep it for five seconds), and so is a referral, since it answers nobody's question.
 */
export function classify(response: Response, qtype: number): ResponseClass {
  const { body, facts } = response;
  if (facts.opcode !== OPCODE.QUERY || qtype === QTYPE.AXFR || qtype === QTYPE.IXFR) return 'other';
  if (facts.isTruncated || facts.hasExpiredSignature) return 'other';
  const hasSoa = facts.soaTtlS !== undefined;
  switch (body.rcode) {
    case RCODE.NOERROR:
      if (facts.answersType) return 'success';
      // A CNAME chain that ends in nothing is NODATA for its last name (RFC 2308 §2.2).
      if (hasSoa) return 'nodata';
      return body.answerCount > 0 ? 'success' : 'other';
    case RCODE.NXDOMAIN:
      return hasSoa ? 'nxdomain' : 'other';
    case RCODE.SERVFAIL:
    case RCODE.NOTIMP:
      return 'server_error';
    default:
      return 'other';
  }
}

/** Whether the class belongs to the denial half of the cache. */
export function isDenial(responseClass: ResponseClass): boolean {
  return (
    responseClass === 'nodata' || responseClass === 'nxdomain' || responseClass === 'server_error'
  );
}

/**
 * How long the response is good, in milliseconds; 0: not cacheable. The smallest TTL of all records, for NXDOMAIN and
 * NODATA the SOA record's own TTL (RFC 2308 §5 would take the smaller of that and SOA MINIMUM; CoreDNS does not look at
 * MINIMUM, servers are to send the smaller one as the TTL already, RFC 2308 §3), within the policy's bounds.
 */
export function lifetimeMs(
  response: Response,
  responseClass: ResponseClass,
  policy: CachePolicy,
): number {
  const { facts } = response;
  switch (responseClass) {
    case 'success':
      return 1000 * clampTtl(facts.ttlMinS ?? TTL_DEFAULT_S, policy.success);
    case 'nodata':
    case 'nxdomain':
      return 1000 * clampTtl(facts.soaTtlS ?? TTL_DEFAULT_S, policy.denial);
    case 'server_error':
      return policy.servfailMs;
    case 'other':
      return 0;
  }
}

/**
 * The TTL that a reply on a miss shows, in seconds: the bounded one, so that it does not jump when the same answer comes
 * from the cache a moment later. What cannot be cached gets CoreDNS's five seconds, within the same bounds.
 */
export function missTtlS(
  response: Response,
  responseClass: ResponseClass,
  policy: CachePolicy,
): number {
  const ms =
    responseClass === 'other'
      ? 1000 * clampTtl(TTL_DEFAULT_S, policy.success)
      : lifetimeMs(response, responseClass, policy);
  return Math.floor(ms / 1000);
}

function clampTtl(ttlS: number, bounds: { ttlMinS: number; ttlMaxS: number }): number {
  return Math.min(Math.max(ttlS, bounds.ttlMinS), bounds.ttlMaxS);
}

/** Whole seconds left, as CoreDNS counts them: the original TTL less the whole seconds that have passed; 0 when stale. */
export function remainingTtlS(expiresAtMs: number, nowMs: number): number {
  const left = Math.ceil((expiresAtMs - nowMs) / 1000);
  return Math.max(left, 0);
}
