/**
 * What a `forward` asks of this room, as plain data. Names and defaults are CoreDNS's (plugin/forward, plugin/pkg/proxy);
 * `directives/forward.ts` makes it from the Corefile.
 */

export type UpstreamTransport = 'dns' | 'tls' | 'https';

/** One server to ask. */
export interface Endpoint {
  readonly transport: UpstreamTransport;
  /** An IP address without zone or brackets, or a host name where the Corefile gave one. */
  readonly host: string;
  readonly port: number;
  /** The name to verify and to send as SNI (`tls://IP%name`); undefined: `tls_servername`, else the address. */
  readonly serverName: string | undefined;
  /** The path of a DoH URL; undefined for the other transports. */
  readonly path: string | undefined;
}

export interface TlsOptions {
  readonly caPath: string | undefined;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
  readonly serverName: string | undefined;
}

export type ForwardPolicy = 'random' | 'round_robin' | 'sequential';

/** `client`: as the client came. Where both are written, `force_tcp` wins over `prefer_udp`, as in CoreDNS. */
export type ForwardProtocol = 'client' | 'force_tcp' | 'prefer_udp';

export interface ForwardOptions {
  /** Lower-case FQDN of the names it takes. */
  readonly from: string;
  readonly to: readonly Endpoint[];
  /** Paths of the files in TO, in its order; their `nameserver` lines are in `to` already. For the caller to watch. */
  readonly resolvConf: readonly string[];
  /** Lower-case FQDNs it does not take. */
  readonly except: readonly string[];
  readonly protocol: ForwardProtocol;
  readonly expireMs: number;
  /** 0: never down, no health checks. */
  readonly maxFails: number;
  /** 0: no bound but the deadline. */
  readonly maxConnectAttempts: number;
  readonly tls: TlsOptions;
  readonly policy: ForwardPolicy;
  readonly healthCheckIntervalMs: number;
  readonly healthCheckRecursionDesired: boolean;
  /** Lower-case FQDN, default `.`. */
  readonly healthCheckDomain: string;
  /** 0: unlimited. */
  readonly maxConcurrent: number;
  /** Rcodes that hand the query to the next `forward` of the block. */
  readonly next: readonly number[];
  readonly nextOnNodata: boolean;
  readonly failfastAllUnhealthy: boolean;
  /** Rcodes that make it try the next upstream. */
  readonly failover: readonly number[];
  /** 0: not set; streams then age out after about 5 minutes (`connection-set.ts`). */
  readonly maxAgeMs: number;
  /** 0: unlimited. */
  readonly maxIdleConns: number;
  readonly readTimeoutMs: number;
  readonly sourceAddress: string | undefined;
  readonly dohMethod: 'GET' | 'POST';
  /** Servers that resolve host names in `to`; empty: the system's resolver. */
  readonly resolvers: readonly string[];
}
