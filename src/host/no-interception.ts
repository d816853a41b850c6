/** No rules at all: `-setupiptables=false`, for a node whose network plugin brings queries here by itself. */
import type { Interception, InterceptionOptions } from './interception.ts';

export function noInterception(options: InterceptionOptions, reason: string): Interception {
  return {
    kind: 'none',
    reason,
    losses: [],
    install: async () => [],
    renew: async () => undefined,
    ensure: async () => ({ restored: 0, removed: 0, failures: [] }),
    watch: () => () => {},
    withdraw: async () => [],
    remove: async () => [],
    setFallback: async () => undefined,
    describe: async () => ({
      kind: 'none',
      reason,
      hasLease: false,
      losses: [],
      addresses: options.addresses.map((address) => {
        return { address, rulesExpected: 0, rulesPresent: 0, leaseAgeMs: undefined };
      }),
      fallback: [],
      failures: [],
    }),
  };
}
