/**
 * The control socket: HTTP on a Unix socket for whoever operates this daemon on its own machine. What reveals or changes
 * anything is here and nowhere else, but for the names that the status page shows over loopback. Only the owner can reach it: it
 * has mode 0600 in a directory of mode 0700.
 *
 * Of several daemons with one path, as during an upgrade, the one that has it keeps it, and the others look each second
 * whether it has gone: the new one takes the path over within a second or two of the old one's end, however that was. A
 * file that nobody listens behind any more is replaced, and so is one that somebody has deleted.
 *
 * A socket takes the path by a rename, so that a client never meets half of one. Where two daemons do that at the same
 * moment the second wins, and the first sees by the file's number that it has lost.
 */
import { type BigIntStats, chmodSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { HttpEndpoint, type Pages } from '../base/http-endpoint.ts';
import type { Log } from '../base/log.ts';

const DIRECTORY_MODE = 0o700;
const SOCKET_MODE = 0o600;
/** Anything for group and others. */
const FOREIGN_BITS = 0o077;
const LOOK_INTERVAL_MS = 1000;
/** Of a local listener; a stopped process has a backlog that takes the connection all the same. */
const CONNECT_TIMEOUT_MS = 1000;
/** `sun_path` has 108 octets, the last of which is zero. */
const PATH_OCTETS_MAX = 107;

interface OpenSocket {
  readonly endpoint: HttpEndpoint;
  /** Tells the file from another one at the same path. */
  readonly file: string;
}

/** Why there is no socket, and what to do; in one line. */
class ControlSocketError extends Error {}

export class ControlSocket {
  readonly #path: string;
  readonly #pages: Pages;
  readonly #log: Log;
  #open: OpenSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Told once: the reason why there is no socket. */
  #said = '';

  private constructor(path: string, pages: Pages, log: Log) {
    this.#path = path;
    this.#pages = pages;
    this.#log = log;
  }

  /** Never throws: without the socket the daemon goes on, with one line in its log. An empty path: none is wanted. */
  static open(path: string, pages: Pages, log: Log): ControlSocket {
    const socket = new ControlSocket(path, pages, log);
    if (path !== '') void socket.#look();
    return socket;
  }

  /** Resolves once the first attempt is over, and says whether the path is ours. */
  async isOpen(): Promise<boolean> {
    await this.#turn;
    return this.#open !== undefined;
  }

  /** Gives up the path, if it has it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#turn;
    if (this.#open === undefined) return;
    if (fileAt(this.#path) === this.#open.file) rmSync(this.#path, { force: true });
    await this.#open.endpoint.close();
  }

  #look(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#isClosed) return;
      try {
        await this.#tend();
      } catch (error) {
        this.#say((error as Error).message);
      }
      this.#timer = setTimeout(() => void this.#look(), LOOK_INTERVAL_MS);
      this.#timer.unref();
    });
    return this.#turn;
  }

  async #tend(): Promise<void> {
    const file = fileAt(this.#path);
    if (this.#open !== undefined) {
      if (file === this.#open.file) return;
      const { endpoint } = this.#open;
      this.#open = undefined;
      await endpoint.close();
    }
    ensureDirectory(dirname(this.#path));
    if (file !== undefined) {
      if (!statusOf(this.#path)?.isSocket()) {
        throw new ControlSocketError('a file that is no socket is there: expected none');
      }
      if (await isAlive(this.#path)) {
        throw new ControlSocketError('another daemon has it; it is taken over when that one ends');
      }
    }
    this.#open = await this.#take();
    if (this.#said !== '') this.#log.info(`control socket ${this.#path}: taken over`);
    this.#said = '';
  }

  async #take(): Promise<OpenSocket> {
    const path = `${this.#path}.${process.pid}`;
    if (Buffer.byteLength(path) > PATH_OCTETS_MAX) {
      throw new ControlSocketError(`expected a path of at most ${PATH_OCTETS_MAX - 8} octets`);
    }
    rmSync(path, { force: true });
    const onError = (error: Error) => this.#log.error(`control socket: ${error.message}`);
    const endpoint = await HttpEndpoint.open({ path }, this.#pages, onError);
    if ('code' in endpoint) throw endpoint.cause;
    try {
      chmodSync(path, SOCKET_MODE);
      const file = fileAt(path)!;
      renameSync(path, this.#path);
      return { endpoint, file };
    } catch (error) {
      await endpoint.close();
      throw error;
    }
  }

  /** Once for each reason, however often it is met. */
  #say(reason: string): void {
    if (reason === this.#said) return;
    this.#said = reason;
    this.#log.warn(`no control socket at ${this.#path}: ${reason}`);
  }
}

/** The device and number of the file; undefined where there is none. */
function fileAt(path: string): string | undefined {
  const status = statusOf(path);
  return status && `${status.dev}:${status.ino}`;
}

function statusOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Creates it for the owner alone, or throws where it is open to others: whoever may write to it may take the path. */
function ensureDirectory(path: string): void {
  if (statusOf(path) === undefined) mkdirSync(path, { mode: DIRECTORY_MODE });
  const status = statusOf(path)!;
  if (!status.isDirectory()) throw new ControlSocketError(`${path} is not a directory`);
  const mode = Number(status.mode & 0o777n);
  const [owner, own] = [Number(status.uid), process.geteuid!()];
  if (owner !== own) {
    throw new ControlSocketError(
      `${path} belongs to user ${owner}: expected ${own} (chown ${own} ${path})`,
    );
  }
  if ((mode & FOREIGN_BITS) !== 0) {
    const text = mode.toString(8).padStart(4, '0');
    throw new ControlSocketError(
      `${path} has mode ${text}: expected 0700, since others could reach or replace the socket (chmod 700 ${path})`,
    );
  }
}

/** Whether somebody listens behind the file, or does not say that nobody does. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', ({ code }: NodeJS.ErrnoException) => {
    resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
  });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve(true));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
