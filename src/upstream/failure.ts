/**
 * How asking an upstream can end. A failure is data: what was being done, over which route, and why it did not work.
 * `errorText` words it as Go does, because operators' filters on the lines of `errors` know that wording.
 */

/** The transport under a query; the metric label for `tls` is `tcp-tls`, as in CoreDNS. */
export type Carriage = 'udp' | 'tcp' | 'tls' | 'https';

export interface Route {
  readonly carriage: Carriage;
  /** `ip:port` of our end; undefined where no socket had one yet. */
  readonly from: string | undefined;
  /** `ip:port` of the upstream. */
  readonly to: string;
}

export type Operation = 'dial' | 'read';

export type UpstreamFailure =
  /** Nothing came in time. */
  | { readonly code: 'timeout'; readonly operation: Operation; readonly route: Route }
  | { readonly code: 'refused'; readonly operation: Operation; readonly route: Route }
  | { readonly code: 'reset'; readonly operation: Operation; readonly route: Route }
  /** The upstream closed the connection before it answered. */
  | { readonly code: 'eof'; readonly route: Route }
  | { readonly code: 'unreachable'; readonly route: Route; readonly detail: string }
  /** Any other error of the socket, of TLS or of HTTP. */
  | {
      readonly code: 'socket';
      readonly operation: Operation;
      readonly route: Route;
      readonly detail: string;
    }
  /** A reply to our id that is no answer to our question, or octets that are no DNS message. */
  | { readonly code: 'malformed'; readonly route: Route }
  /** So many replies over UDP matched nothing that its socket is not trusted any more. */
  | { readonly code: 'mismatch'; readonly route: Route }
  /** Every connection and the queue behind them are full. */
  | { readonly code: 'overloaded'; readonly to: string }
  | { readonly code: 'max_concurrent'; readonly maximum: number }
  | { readonly code: 'no_healthy_upstream' }
  /** A host name in TO that has no address yet. */
  | { readonly code: 'unresolved'; readonly hosts: readonly string[] }
  /** This forward is closing (reload, shutdown). */
  | { readonly code: 'closed' };

export type UpstreamResult =
  | {
      readonly ok: true;
      /** A whole message with the id of our query; QR, id, opcode and question are checked. */
      readonly response: Uint8Array;
      /** `ip:port`, the metric label. */
      readonly to: string;
      readonly transport: Carriage;
    }
  | { readonly ok: false; readonly failure: UpstreamFailure };

/** The words of CoreDNS (Go's net package) for the same failure. */
export function errorText(failure: UpstreamFailure): string {
  switch (failure.code) {
    case 'timeout':
      return `${routeText(failure.operation, failure.route)}: i/o timeout`;
    case 'refused':
      return `${routeText(failure.operation, failure.route)}: ${call(failure.operation)}: connection refused`;
    case 'reset':
      return `${routeText(failure.operation, failure.route)}: ${call(failure.operation)}: connection reset by peer`;
    case 'eof':
      return 'EOF';
    case 'unreachable':
      return `${routeText('dial', failure.route)}: connect: ${failure.detail}`;
    case 'socket':
      return `${routeText(failure.operation, failure.route)}: ${failure.detail}`;
    case 'malformed':
      return `${routeText('read', failure.route)}: response does not match the query`;
    case 'mismatch':
      return `${routeText('read', failure.route)}: too many responses that match no query`;
    case 'overloaded':
      return `too many queries wait for ${failure.to}`;
    case 'max_concurrent':
      return `concurrent queries exceeded maximum ${failure.maximum}`;
    case 'no_healthy_upstream':
      return 'no healthy proxies';
    case 'unresolved':
      return `no address for ${failure.hosts.join(', ')}`;
    case 'closed':
      return 'forward is closed';
  }
}

/** The failure that an error of a Node socket stands for. */
export function socketFailure(
  error: NodeJS.ErrnoException,
  operation: Operation,
  route: Route,
): UpstreamFailure {
  switch (error.code) {
    case 'ECONNREFUSED':
      return { code: 'refused', operation, route };
    case 'ECONNRESET':
    case 'EPIPE':
      return { code: 'reset', operation, route };
    case 'ETIMEDOUT':
      return { code: 'timeout', operation, route };
    case 'EHOSTUNREACH':
      return { code: 'unreachable', route, detail: 'no route to host' };
    case 'ENETUNREACH':
      return { code: 'unreachable', route, detail: 'network is unreachable' };
    default:
      return { code: 'socket', operation, route, detail: error.message };
  }
}

function call(operation: Operation): string {
  return operation === 'dial' ? 'connect' : 'read';
}

function routeText(operation: Operation, route: Route): string {
  const network = route.carriage === 'udp' ? 'udp' : 'tcp';
  const from = operation === 'read' && route.from !== undefined ? `${route.from}->` : '';
  return `${operation} ${network} ${from}${route.to}`;
}
