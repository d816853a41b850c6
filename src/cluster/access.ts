/** How a cluster's API is reached and who asks, whatever that was read from. */

export interface ApiAccess {
  /** With a path where the API is behind one, as Rancher has it. */
  readonly server: URL;
  readonly tls: ApiTls;
  /** Sent as bearer token. */
  readonly token: string | undefined;
}

export interface ApiTls {
  /** PEM; undefined: the authorities that Node knows. */
  readonly ca: string | undefined;
  /** PEM, both or none. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** The name in the server's certificate, where it is not the one in the URL. */
  readonly serverName: string | undefined;
  readonly isVerified: boolean;
}

/** Where everything fails that this room has no access for. */
export const WAY_OUT =
  'or run `kubectl proxy` and give --server http://127.0.0.1:8001, or give what it was to find by --dns-server, --domain and --mode';

/** The cluster cannot be asked, or does not say: the message names the file or the address, and what to do. */
export class ClusterError extends Error {}

/** `https://HOST[:PORT][/PATH]`, or http; throws a `ClusterError` that starts with `where`. */
export function serverUrl(where: string, text: unknown): URL {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ClusterError(`${where}: server '${text}': expected an https:// address`);
  }
  return url;
}
