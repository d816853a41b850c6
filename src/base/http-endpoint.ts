/**
 * An HTTP endpoint for machines: a few paths on one address, each with a text, over TLS where asked. The metrics and the
 * health check are served so.
 *
 * Time-outs and SO_REUSEPORT are CoreDNS's (plugin/metrics, plugin/health), the latter so that an old and a new process, or
 * configuration, can serve side by side. Other methods than GET and HEAD are refused, and so are requests for another
 * host (host-header.ts). There is no compression and no HTTP/2.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { isOwnHost } from './host-header.ts';

/** Where to listen; an empty host is every address of both families. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Why an endpoint cannot open. */
export interface ListenFailure {
  readonly code: 'listen-failed';
  readonly address: ListenAddress;
  readonly cause: Error;
}

/** HTTPS in place of HTTP. */
export interface EndpointTls {
  readonly options: TlsOptions;
  /** Whether a client may ask, once its handshake is done: by the certificate that it has shown, or not. */
  readonly admits: (socket: TLSSocket) => boolean;
}

export interface Page {
  /** Undefined: plain text in UTF-8. */
  readonly contentType?: string;
  readonly text: string;
}

/** What a path shows, made for each request; where that fails the client gets a 500. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

/** CoreDNS's read, write and idle time-out. */
const TIMEOUT_MS = 5000;
/** Node looks for requests that are too slow this often; its default of 30 s would make the time-out one of 35 s. */
const TIMEOUT_CHECK_MS = 1000;
const LIMITS = {
  requestTimeout: TIMEOUT_MS,
  headersTimeout: TIMEOUT_MS,
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
  /** The port that is bound, where 0 was asked for. */
  readonly port: number;
  readonly #server: Server;
  /** Those whose TLS handshake is under way too, which node:https does not count among its connections. */
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * Listens; `onError` gets what goes wrong in making a page or, later, at the listening socket. A client that fails in its
   * handshake or in its request learns so itself. Rejects where node:tls refuses the options.
   */
  static async open(
    address: ListenAddress,
    pages: Pages,
    onError: (error: Error) => void,
    tls?: EndpointTls,
  ): Promise<HttpEndpoint | ListenFailure> {
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
async function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  const dns = process.getBuiltinModule('node:dns').promises;
  const resolved = host && (await dns.lookup(host, { order: 'ipv4first' })).address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, reusePort: true, ...(resolved && { host: resolved }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(
  pages: Pages,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOwnHost(request.headers.host ?? '')) return end(response, 421, { text: MISDIRECTED });
  const [path = ''] = (request.url ?? '').split('?');
  const page = pages[path];
  if (page === undefined) return end(response, 404, { text: 'Not Found\n' });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    // What a refused request still sends is not read.
    response.setHeader('Allow', 'GET, HEAD').setHeader('Connection', 'close');
    return end(response, 405, { text: 'Method Not Allowed\n' });
  }
  try {
    end(response, 200, await page());
  } catch (cause) {
    end(response, 500, { text: 'Internal Server Error\n' });
    throw cause;
  }
}

function end(response: ServerResponse, status: number, page: Page): void {
  response.statusCode = status;
  response.setHeader('Content-Type', page.contentType ?? TEXT_TYPE);
  response.setHeader('Content-Length', Buffer.byteLength(page.text));
  response.end(page.text);
}
