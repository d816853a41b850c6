/**
 * The Corefile of the demonstration: the blocks of node-cache's manifest, on loopback, in front of the stand-in for kube-dns.
 * `health` and `reload` are left out: nobody probes it, and there is no file that could change.
 */
import { assert } from '../base/invariant.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Configuration } from '../control/configuration.ts';
import { diskFiles } from '../corefile/file-source.ts';
import { parseCorefile } from '../corefile/parser.ts';
import { readServerBlocks } from '../directives/server-config.ts';
import type { DemoOptions } from './demo-options.ts';

/** Loopback: the demonstration is not for other machines. */
export const HOST = '127.0.0.1';

/** The settings of a cache at these ports that asks the stand-in at `upstreamPort`. */
export function demoConfiguration(options: DemoOptions, upstreamPort: number): Configuration {
  const blocks = parseCorefile(corefile(options, upstreamPort), {
    file: 'Corefile of the demonstration',
    environment: {},
    files: diskFiles,
  });
  const servers = readServerBlocks(blocks, {
    defaultPort: options.port,
    files: diskFiles,
    warn: ({ problem }) => assert(false, problem),
  });
  // Nothing compares it with a later one.
  return { servers, hash: '', resolvConf: '', warnings: [] };
}

function corefile({ port, metricsPort }: DemoOptions, upstreamPort: number): string {
  const upstream = hostPort(HOST, upstreamPort);
  const common = `
    bind ${HOST}
    errors
    loop
    prometheus ${hostPort(HOST, metricsPort)}`;
  return `
cluster.local:${port} in-addr.arpa:${port} ip6.arpa:${port} {${common}
    cache {
        success 9984 30
        denial 9984 5
    }
    forward . ${upstream} {
        force_tcp
    }
}
.:${port} {${common}
    cache 30
    forward . ${upstream}
}
`;
}
