/** A headless Chromium, driven through its DevTools protocol: one page, what it asks for, what it complains of. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { within } from '../support/deadline.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The start of a browser on a busy machine. */
const START_TIMEOUT_MS = 30_000;

export const HAS_CHROMIUM = spawnSync('chromium', ['--version']).status === 0;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export class Browser {
  /** Every URL that the page asked for. */
  readonly requests: string[] = [];
  /** Errors and warnings in its console, violations of its policy among them. */
  readonly complaints: string[] = [];
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #session: string | undefined;
  #count = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)) as Message);
  }

  /** With a profile of its own; it ends with the test. */
  static async start(t: TestContext): Promise<Browser> {
    const flags = [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0'],
      ...['--disable-background-networking', '--no-first-run', '--hide-scrollbars'],
      `--user-data-dir=${temporaryDirectory(t)}`,
    ];
    const child = spawn('chromium', [...flags, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'close');
    t.after(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    const url = await within(devToolsUrl(child.stderr), 'the browser', START_TIMEOUT_MS);
    const socket = new WebSocket(url);
    t.after(() => socket.close());
    await within(once(socket, 'open'), 'a connection to the browser', START_TIMEOUT_MS);
    const browser = new Browser(socket);
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = String(sessionId);
    for (const domain of ['Page', 'Network', 'Runtime', 'Log'])
      await browser.send(`${domain}.enable`);
    return browser;
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#count;
    const reply = Promise.withResolvers<Record<string, unknown>>();
    this.#pending.set(id, reply);
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return within(reply.promise, method, START_TIMEOUT_MS);
  }

  async look(scheme: 'light' | 'dark', width: number, height: number): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.send('Emulation.setEmulatedMedia', { features });
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send('Emulation.setDeviceMetricsOverride', size);
  }

  /** The value of an expression in the page, as JSON has it. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result } = await this.send('Runtime.evaluate', { expression, returnByValue: true });
    return (result as { value: Value }).value;
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(String(data), 'base64');
  }

  #take({ id, method, params = {}, result, error }: Message): void {
    if (id !== undefined) {
      const reply = this.#pending.get(id);
      this.#pending.delete(id);
      if (error !== undefined) reply?.reject(new Error(error.message));
      else reply?.resolve(result ?? {});
    } else if (method === 'Network.requestWillBeSent') {
      this.requests.push((params as { request: { url: string } }).request.url);
    } else if (method === 'Log.entryAdded') {
      this.complaints.push((params as { entry: { text: string } }).entry.text);
    } else if (method === 'Runtime.exceptionThrown' || method === 'Runtime.consoleAPICalled') {
      this.complaints.push(JSON.stringify(params));
    }
  }
}

async function devToolsUrl(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(stderr)) {
    const [, url] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? [];
    if (url !== undefined) {
      stderr.resume();
      return url;
    }
  }
  throw new Error('the browser ended before it listened');
}
