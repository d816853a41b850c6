/**
 * What a `cache` directive asks of this room, as plain data. Names, bounds and defaults are CoreDNS's (plugin/cache);
 * `directives/cache.ts` makes it from the Corefile.
 */

export interface CacheClassPolicy {
  /** Entries at most. */
  readonly capacity: number;
  readonly ttlMaxS: number;
  readonly ttlMinS: number;
  /** Lower-case FQDNs under which nothing of this class is cached (`disable`); empty: none. */
  readonly disabledZones: readonly string[];
}

export interface PrefetchPolicy {
  /** Hits needed before an entry is worth refreshing. */
  readonly amount: number;
  /** A pause longer than this between two hits starts the count again. */
  readonly durationMs: number;
  /** Refresh when the remaining TTL is at most this part of the original, 10..90. */
  readonly percentage: number;
}

export interface StalePolicy {
  /** How long after expiry an entry may still be served. */
  readonly durationMs: number;
  readonly mode: 'immediate' | 'verify';
  /** `verify`: how long to wait for the upstream before the stale answer leaves; 0: as long as forward takes. */
  readonly verifyTimeoutMs: number;
  /** TTL of the records of a stale answer; 0 as in CoreDNS, where RFC 8767 §4 recommends 30. */
  readonly responseTtlS: number;
  /** After a failed refresh the stale answer leaves without another try for this long (RFC 8767 §5); 0: try each time. */
  readonly recheckMs: number;
  /** `serve_stale_policy prefer_positive`: a usable positive entry comes before a negative one. */
  readonly preferPositive: boolean;
}

export interface CachePolicy {
  /** Lower-case FQDNs the directive is limited to; the block's own zones where it names none. */
  readonly zones: readonly string[];
  readonly success: CacheClassPolicy;
  readonly denial: CacheClassPolicy;
  readonly prefetch: PrefetchPolicy | undefined;
  readonly stale: StalePolicy | undefined;
  /** How long a SERVFAIL is kept; 0: not at all. */
  readonly servfailMs: number;
  readonly keepTtl: boolean;
}
