/**
 * Who answers on 127.0.0.1:53 while a stub asks: the stand-in by itself, which proves the tests, or the daemon with the
 * stand-in behind it, which is what the tests are for. Only for a namespace where port 53 is free.
 */
import { StandIn } from '../../src/cli/stand-in/stand-in.ts';
import { type DaemonOptions, startDaemon } from '../support/daemon.ts';
import type { CleanUp } from '../support/temporary-directory.ts';

const DNS_PORT = 53;

export interface StubServer {
  /** Queries that stubs have sent to it so far. */
  queries(transport: 'udp' | 'tcp'): Promise<number>;
}

/** It is stopped when the test ends. */
export type StartServer = (t: CleanUp) => Promise<StubServer>;

export async function startStandInServer(t: CleanUp): Promise<StubServer> {
  const standIn = await StandIn.start({ port: DNS_PORT });
  t.after(() => standIn.close());
  return { queries: async (transport) => standIn.stats.queries[transport] };
}

/** The daemon with the server blocks of the stock manifest. */
export function startDaemonServer(backend?: DaemonOptions['backend']): StartServer {
  return async (t) => {
    const upstream = await StandIn.start();
    t.after(() => upstream.close());
    const corefile = stockCorefile(upstream.port);
    const choice = backend ? { backend } : {};
    const daemon = await startDaemon(t, { corefile, dnsPort: DNS_PORT, ...choice });
    return {
      async queries(proto) {
        const scrape = await daemon.scrape();
        // The question of `loop`, an HINFO, comes from the daemon itself.
        const requests = 'coredns_dns_requests_total';
        return scrape.sum(requests, { proto }) - scrape.sum(requests, { proto, type: 'other' });
      },
    };
  };
}

function stockCorefile(upstreamPort: number): DaemonOptions['corefile'] {
  return ({ prometheus }) => {
    const common = `errors
    reload
    loop
    bind 127.0.0.1
    prometheus 127.0.0.1:${prometheus}`;
    const clusterDns = `forward . 127.0.0.1:${upstreamPort} {
        force_tcp
    }`;
    return `cluster.local:53 {
    ${common}
    cache {
        success 9984 30
        denial 9984 5
    }
    ${clusterDns}
}
in-addr.arpa:53 ip6.arpa:53 {
    ${common}
    cache 30
    ${clusterDns}
}
.:53 {
    ${common}
    cache 30
    forward . 127.0.0.1:${upstreamPort}
}
`;
  };
}
