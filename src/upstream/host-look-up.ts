/** Looking up the addresses of one host name, in the three ways there are. Each rejects where there is no address. */
import type { LookupAddress } from 'node:dns';

export interface HostAddresses {
  /** At least one, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  /** For how long they hold; undefined where nobody says. */
  readonly ttlS: number | undefined;
}

export type HostLookUp = (name: string) => Promise<HostAddresses>;

const QUERY_TIMEOUT_MS = 1000;

/** By the system: /etc/hosts, then the servers of /etc/resolv.conf. */
export const systemLookUp: HostLookUp = async (name) => {
  const dns = process.getBuiltinModule('node:dns').promises;
  const found: LookupAddress[] = await dns.lookup(name, { all: true });
  return { addresses: found.map(({ address }) => address), ttlS: undefined };
};

/** By these servers, `IP` or `IP:PORT` each: the `resolver` option. */
export function lookUpAt(servers: readonly string[]): HostLookUp {
  return async (name) => {
    const dns = process.getBuiltinModule('node:dns').promises;
    const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
    resolver.setServers(servers);
    const families = [
      resolver.resolve4(name, { ttl: true }),
      resolver.resolve6(name, { ttl: true }),
    ];
    return joinFamilies(
      families.map(async (records) => {
        const found = await records;
        return {
          addresses: found.map(({ address }) => address),
          ttlS: Math.min(...found.map(({ ttl }) => ttl)),
        };
      }),
    );
  };
}

/** The addresses of those families that have some; with none at all, the error of the first family says why. */
export async function joinFamilies(
  families: readonly Promise<HostAddresses>[],
): Promise<HostAddresses> {
  const outcomes = await Promise.allSettled(families);
  const found = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value] : [],
  );
  if (found.length === 0) return families[0]!;
  const ttls = found.flatMap(({ ttlS }) => ttlS ?? []);
  return {
    addresses: found.flatMap(({ addresses }) => addresses),
    ttlS: ttls.length === 0 ? undefined : Math.min(...ttls),
  };
}
