/**
 * An HTTP endpoint for machines: a few paths on one address, each with a text, over TLS where asked. The metrics, the health
 * check and the control socket are served so.
 *
 * Time-outs and SO_REUSEPORT are CoreDNS's (plugin/metrics, plugin/health), the latter so that an old and a new process, or
 * configuration, can serve side by side. A page takes GET and HEAD, an action takes POST; other methods are refused, and
 * so are requests for another host (host-header.ts). There is no compression and no HTTP/2.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { isOwnHost } from './host-header.ts';
import { isLoopback } from './ip-address.ts';
import { boundRequests } from './request-bound.ts';

/** Where to listen; an empty host is every address of both families. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A Unix socket in place of an address; nothing may be there yet. */
export interface ListenPath {
  readonly path: string;
}

/** Why an endpoint cannot open. */
export interface ListenFailure<Address = ListenAddress> {
  readonly code: 'listen-failed';
  readonly address: Address;
  readonly cause: Error;
}

/** HTTPS in place of HTTP. */
export interface EndpointTls {
  readonly options: TlsOptions;
  /** Whether a client may ask, once its handshake is done: by the certificate that it has shown, or not. */
  readonly admits: (socket: TLSSocket) => boolean;
}

export interface Page {
  /** Undefined: 200. */
  readonly status?: number;
  /** Undefined: plain text in UTF-8. */
  readonly contentType?: string;
  /** Beside those that every page has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Octets go as they are. */
  readonly text: string | Uint8Array;
}

export type MakePage = () => Page | Promise<Page>;

/** What a path does when it is posted to; what is posted is not read. It may take up to `ACTION_TIMEOUT_MS`. */
export interface Action {
  readonly post: MakePage;
}

/** Who asks. */
export interface Asker {
  /** It is on this machine and came over loopback, as `kubectl port-forward` to a pod of the host network does. */
  readonly isLocal: boolean;
}

/** What a path shows to who says more in the URL's query, and may wait for so long. */
export interface Inquiry {
  readonly get: (query: URLSearchParams, asker: Asker) => Page | Promise<Page>;
  readonly timeoutMs: number;
}

/** What a path shows, made for each request, or does; where that fails the client gets a 500. */
export type Pages = Readonly<Record<string, MakePage | Action | Inquiry>>;

/** CoreDNS's read, write and idle time-out. */
const TIMEOUT_MS = 5000;
/** Node looks for requests that are too slow at intervals, whether there are clients or not: never (24 days, the most of a timer). */
const TIMEOUT_CHECK_MS = 2 ** 31 - 1;
/** A reload waits for upstream host names and, behind it, for another one. */
export const ACTION_TIMEOUT_MS = 60_000;
const LIMITS = {
  keepAliveTimeout: TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_MS,
};
/** A few scrapers and a human; a connection costs some 10 kB, and their number must have a bound on the host network. */
export const CONNECTIONS_MAX = 64;

const TEXT_TYPE = 'text/plain; charset=utf-8';
const MISDIRECTED =
  'Misdirected Request: the Host header names another host than this one (a guard against DNS rebinding).\n' +
  'Ask by IP address, by localhost, by the name of the machine, or by the name of a service in the cluster.\n';

/**
 * Reads `HOST:PORT` as Go's net.SplitHostPort does: `:9253`, `0.0.0.0:9353`, `localhost:9153`, `[::1]:9153`.
 * Undefined where the text is none of that kind. Ports are numbers: service names are not looked up.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  return port <= 0xffff ? { host: match[1] ?? match[2] ?? '', port } : undefined;
}

export class HttpEndpoint {
  /** Connections closed at once because an endpoint of this process had as many as it may have. */
  static refusedCount = 0;
  /** The port that is bound, where 0 was asked for; 0 for a Unix socket. */
  readonly port: number;
  readonly #server: Server;
  /** Those whose TLS handshake is under way too, which node:https does not count among its connections. */
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address() as AddressInfo | string;
    this.port = typeof address === 'string' ? 0 : address.port;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * Listens; `onError` gets what goes wrong in making a page or, later, at the listening socket. A client that fails in its
   * handshake or in its request learns so itself. Rejects where node:tls refuses the options.
   */
  static async open<Address extends ListenAddress | ListenPath>(
    address: Address,
    pages: Pages,
    onError: (error: Error) => void,
    tls?: EndpointTls,
  ): Promise<HttpEndpoint | ListenFailure<Address>> {
    const server = createServer(tls, (request, response) => {
      answer(pages, request, response).catch(onError);
    });
    try {
      await listen(server, address);
    } catch (cause) {
      return { code: 'listen-failed', address, cause: cause as Error };
    }
    server.on('error', onError);
    return new HttpEndpoint(server);
  }

  /** Closes the socket and every connection; again and again gives the same promise. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closing;
  }
}

function createServer(tls: EndpointTls | undefined, onRequest: RequestListener): Server {
  const server = tls ? createTlsServer(tls, onRequest) : createPlainServer(onRequest);
  // Of a socket without traffic: a scraper that does not read its answer.
  server.timeout = TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
  server.on('drop', () => {
    HttpEndpoint.refusedCount += 1;
  });
  boundRequests(server, tls ? 'secureConnection' : 'connection');
  return server;
}

function createPlainServer(onRequest: RequestListener) {
  // `import 'node:http'` evaluates a getter that loads the built-in undici: 7 MB that this spares.
  return process.getBuiltinModule('node:http').createServer(LIMITS, onRequest);
}

function createTlsServer({ options, admits }: EndpointTls, onRequest: RequestListener) {
  const { SSL_OP_NO_TICKET } = process.getBuiltinModule('node:crypto').constants;
  const server = process.getBuiltinModule('node:https').createServer(
    {
      ...LIMITS,
      ...options,
      handshakeTimeout: TIMEOUT_MS,
      // A session that is resumed shows no certificate: Node takes its client for authorized (RFC 8446 §2.2).
      secureOptions: SSL_OP_NO_TICKET,
    },
    onRequest,
  );
  server.prependListener('secureConnection', (socket) => {
    if (!admits(socket)) socket.destroy();
  });
  return server;
}

/** A host name becomes one address, IPv4 if it has one, as with Go's net.Listen. */
async function listen(server: Server, address: ListenAddress | ListenPath): Promise<void> {
  const options = 'path' in address ? address : await addressOptions(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function addressOptions({ host, port }: ListenAddress): Promise<ListenOptions> {
  const dns = process.getBuiltinModule('node:dns').promises;
  const resolved = host && (await dns.lookup(host, { order: 'ipv4first' })).address;
  return { port, reusePort: true, ...(resolved && { host: resolved }) };
}

/** Connections on which an action was asked for. */
const ACTED = new WeakSet<Socket>();

async function answer(
  pages: Pages,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOwnHost(request.headers.host ?? '')) return end(response, 421, { text: MISDIRECTED });
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const page = pages[path];
  if (page === undefined) return end(response, 404, { text: 'Not Found\n' });
  const isAction = 'post' in page;
  const methods = isAction ? ['POST'] : ['GET', 'HEAD'];
  if (!methods.includes(request.method ?? '')) {
    // What a refused request still sends is not read.
    response.setHeader('Allow', methods.join(', ')).setHeader('Connection', 'close');
    return end(response, 405, { text: 'Method Not Allowed\n' });
  }
  if (isAction) {
    // One action a connection, whatever is pipelined behind it: the answer to it ends the connection.
    if (ACTED.has(request.socket)) return;
    ACTED.add(request.socket);
    // The client may be silent while it waits.
    response.setHeader('Connection', 'close');
    request.socket.setTimeout(ACTION_TIMEOUT_MS);
  }
  if ('get' in page) request.socket.setTimeout(page.timeoutMs);
  try {
    const made = await make(page, query, request.socket);
    end(response, made.status ?? 200, made);
  } catch (cause) {
    end(response, 500, { text: 'Internal Server Error\n' });
    throw cause;
  }
}

function make(page: Pages[string], query: string, socket: Socket): Page | Promise<Page> {
  if ('post' in page) return page.post();
  if (!('get' in page)) return page();
  const { remoteAddress = '', localAddress = '' } = socket;
  const isLocal = isLoopback(remoteAddress) && isLoopback(localAddress);
  return page.get(new URLSearchParams(query), { isLocal });
}

function end(response: ServerResponse, status: number, page: Page): void {
  response.statusCode = status;
  response.setHeader('Content-Type', page.contentType ?? TEXT_TYPE);
  for (const [name, value] of Object.entries(page.headers ?? {})) response.setHeader(name, value);
  response.setHeader('Content-Length', Buffer.byteLength(page.text));
  response.end(page.text);
}
