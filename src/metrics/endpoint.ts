/**
 * The HTTP endpoint of the metrics: `/metrics` on one address, any number of which may show the same series
 * (node-cache has two, the one of `-metrics-listen-address` and the one of the `prometheus` directive).
 *
 * Path, time-outs and SO_REUSEPORT are CoreDNS's (plugin/metrics), the latter so that an old and a new process can serve
 * side by side. Other methods than GET and HEAD are refused. There is no TLS and no compression.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** Where to listen; without a host on every address of both families. */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** Why an endpoint cannot open. */
export interface ListenFailure {
  readonly code: 'listen-failed';
  readonly address: ListenAddress;
  readonly cause: Error;
}

/** CoreDNS's read, write and idle time-out. */
const TIMEOUT_MS = 5000;
/** Node looks for requests that are too slow this often; its default of 30 s would make the time-out one of 35 s. */
const TIMEOUT_CHECK_MS = 1000;
/** A few scrapers and a human; a connection costs some 10 kB, and their number must have a bound on the host network. */
export const CONNECTIONS_MAX = 64;

const PATH = '/metrics';

/**
 * Reads `HOST:PORT` as Go's net.SplitHostPort does: `:9253`, `0.0.0.0:9353`, `localhost:9153`, `[::1]:9153`.
 * Undefined where the text is none of that kind. Ports are numbers: service names are not looked up.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  return port <= 0xffff ? { host: match[1] || match[2] || undefined, port } : undefined;
}

export class Endpoint {
  /** The port that is bound, where 0 was asked for. */
  readonly port: number;
  readonly #server: Server;
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Listens; `onError` gets what goes wrong in a scrape or, later, at the listening socket. */
  static async open(
    address: ListenAddress,
    metrics: Metrics,
    onError: (error: Error) => void,
  ): Promise<Endpoint | ListenFailure> {
    const server = createServer(metrics, onError);
    try {
      await listen(server, address);
    } catch (cause) {
      return { code: 'listen-failed', address, cause: cause as Error };
    }
    server.on('error', onError);
    return new Endpoint(server);
  }

  /** Closes the socket and every connection; again and again gives the same promise. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#closing;
  }
}

function createServer(metrics: Metrics, onError: (error: Error) => void): Server {
  // `import 'node:http'` evaluates a getter that loads the built-in undici: 7 MB that this spares.
  const http = process.getBuiltinModule('node:http');
  const server = http.createServer(
    {
      requestTimeout: TIMEOUT_MS,
      headersTimeout: TIMEOUT_MS,
      keepAliveTimeout: TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    (request, response) => {
      answer(metrics, request, response).catch(onError);
    },
  );
  // Of a socket without traffic: a scraper that does not read its answer.
  server.timeout = TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
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
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path] = (request.url ?? '').split('?');
  if (path !== PATH) return end(response, 404, 'Not Found\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    // What a refused request still sends is not read.
    response.setHeader('Allow', 'GET, HEAD').setHeader('Connection', 'close');
    return end(response, 405, 'Method Not Allowed\n');
  }
  await answerScrape(metrics, response);
}

/** Counts itself as promhttp does: it sees itself in flight, and its code in the next scrape. */
async function answerScrape(metrics: Metrics, response: ServerResponse): Promise<void> {
  const { scrapes, scrapesInFlight } = metrics.families;
  const inFlight = scrapesInFlight.cell();
  inFlight.value++;
  try {
    const text = await metrics.expose();
    scrapes.cell('200').value++;
    response.setHeader('Content-Type', metrics.registry.contentType);
    end(response, 200, text);
  } catch (cause) {
    scrapes.cell('500').value++;
    end(response, 500, 'Internal Server Error\n');
    throw cause;
  } finally {
    inFlight.value--;
  }
}

function end(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  if (!response.hasHeader('Content-Type'))
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
