/**
 * The cluster's API, read only: one object a request, over one connection, through undici, which is loaded with the first. Every
 * request has a deadline and an answer a bound.
 */
import type { Client } from 'undici';
import { type ApiAccess, ClusterError, WAY_OUT } from './access.ts';

/** Of a Kubernetes object or list, as JSON; its reader checks what it takes from it. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the server sends.
export type ApiObject = Readonly<Record<string, any>>;

export type ApiAnswer =
  | { readonly code: 'found'; readonly object: ApiObject }
  | { readonly code: 'missing' }
  /** `reason`: the server's words. */
  | { readonly code: 'forbidden'; readonly reason: string };

/** A ConfigMap holds 1 MiB at most; a page of Services far less. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const REASON_LENGTH_MAX = 300;

export class Api {
  readonly #access: ApiAccess;
  readonly #timeoutMs: number;
  #client: Client | undefined;

  constructor(access: ApiAccess, timeoutMs: number) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
  }

  /** `path`: from `/api` on. Throws a `ClusterError` where the server is not reached, or refuses whoever asks. */
  async get(path: string): Promise<ApiAnswer> {
    const { server } = this.#access;
    let status: number;
    let text: string;
    try {
      ({ status, text } = await this.#request(`${server.pathname.replace(/\/$/, '')}${path}`));
    } catch (error) {
      throw new ClusterError(`${server.origin}: ${problemOf(error as Error, this.#timeoutMs)}`, {
        cause: error,
      });
    }
    const object = jsonOf(text);
    const reason = String(object?.['message'] ?? text).slice(0, REASON_LENGTH_MAX);
    switch (status) {
      case 200:
        if (object === undefined) break;
        return { code: 'found', object };
      case 404:
        return { code: 'missing' };
      case 403:
        return { code: 'forbidden', reason };
      case 401:
        throw new ClusterError(
          `${server.origin} does not know who asks (401): log in again, ${WAY_OUT}`,
        );
    }
    throw new ClusterError(
      `${server.origin}${path}: unexpected answer, status ${status}: ${reason}`,
    );
  }

  async close(): Promise<void> {
    await this.#client?.destroy();
  }

  async #request(path: string): Promise<{ status: number; text: string }> {
    this.#client ??= await this.#open();
    const { token } = this.#access;
    const response = await this.#client.request({
      method: 'GET',
      path,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(this.#timeoutMs),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  async #open(): Promise<Client> {
    const { Client } = await import('undici');
    const { server, tls } = this.#access;
    const { ca, cert, key, serverName, isVerified } = tls;
    return new Client(server.origin, {
      maxResponseSize: ANSWER_BYTES_MAX,
      connect: {
        timeout: this.#timeoutMs,
        rejectUnauthorized: isVerified,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(serverName === undefined ? {} : { servername: serverName }),
      },
    });
  }
}

function jsonOf(text: string): ApiObject | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(error: Error & { code?: string }, timeoutMs: number): string {
  const isLate = error.name === 'TimeoutError' || error.code === 'UND_ERR_CONNECT_TIMEOUT';
  if (isLate) return `no answer within ${timeoutMs / 1000} s`;
  if (error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return 'the answer is larger than 4 MiB';
  const [first] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [error];
  return (first as Error).message || error.code || error.name;
}
