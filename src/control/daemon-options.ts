/** What the daemon is told from outside: by its command line, and by the node around it. */
import type { Pages } from '../base/http-endpoint.ts';
import type { Log } from '../base/log.ts';
import type { Interfaces } from '../directives/bind.ts';
import type { Families } from '../metrics/families.ts';
import type { AdoptedSockets } from '../server/adopted-sockets.ts';
import type { OwnQueries } from '../watch/own-queries.ts';
import type { Daemon } from './daemon.ts';

export type UdpBackend = 'auto' | 'mmsg' | 'dgram';

export interface DaemonOptions {
  readonly log: Log;
  readonly responderCount: number;
  readonly udpBackend: UdpBackend;
  /** Of the cache's slab; 0: from the Corefile and the container's limit. */
  readonly cacheBytes: number;
  /** node-cache's own metrics listener, `HOST:PORT`. */
  readonly metricsAddress: string;
  /** From where on an answer is told of in the log, in milliseconds; 0: none is. */
  readonly slowMs: number;
  /** Beside `/metrics`, of a daemon that may not serve yet. */
  readonly statusPages: (daemon: Daemon) => Pages;
  /** Listening sockets that are there already. */
  readonly adopted: AdoptedSockets;
  /** The servers open their sockets next, and then serve at once. */
  readonly onOpening?: () => void;
  /** Paths of the health endpoint. */
  readonly healthPages: Pages;
  /** The machine's interfaces, which `bind` may name. */
  readonly interfaces: () => Interfaces;
  /** An upstream has answered, with this rcode. */
  readonly onUpstreamAnswer: (rcode: number) => void;
  /** What we ask ourselves. */
  readonly ownQueries: OwnQueries;
  /** Sets series of what the daemon knows nothing of; called at each scrape. */
  readonly collectMore?: (families: Families) => void;
  /** What the blocks forward comes back to them; the text is the log line. */
  readonly onLoop: (text: string) => void;
}
