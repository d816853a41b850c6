/** Asks the daemon of this machine at its control socket. What comes back is bounded in size and time. */
import type { IncomingMessage } from 'node:http';
import { ACTION_TIMEOUT_MS } from '../base/http-endpoint.ts';

export type ControlReply =
  | { readonly ok: true; readonly status: number; readonly value: unknown }
  /** Nobody listens there, or not for us, or what comes is no reply of a daemon. */
  | { readonly ok: false; readonly reason: string };

/** A status has about 1 kB for each block and upstream. */
const REPLY_OCTETS_MAX = 4 * 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file: no daemon runs here, or it has no control socket',
  ECONNREFUSED: 'nobody listens: the daemon that made it has ended',
  EACCES: 'no permission: only the user of the daemon may ask it (root, in most cases)',
};

/** `page`: a path such as `/status`. Never rejects. */
export async function askControl(
  path: string,
  method: 'GET' | 'POST',
  page: string,
  timeoutMs = ACTION_TIMEOUT_MS,
): Promise<ControlReply> {
  try {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const signal = AbortSignal.timeout(timeoutMs);
    const options = { socketPath: path, path: page, method, agent: false, signal };
    // `import 'node:http'` evaluates a getter that loads the built-in undici: 7 MB and 60 ms that this spares.
    const request = process.getBuiltinModule('node:http').request(options, resolve);
    request.on('error', reject);
    request.end();
    const response = await promise;
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length > REPLY_OCTETS_MAX) throw new Error('the reply is too long');
    }
    return { ok: true, status: response.statusCode ?? 0, value: JSON.parse(text) };
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException;
    if (name === 'AbortError')
      return { ok: false, reason: `no reply within ${timeoutMs / 1000} s` };
    if (name === 'SyntaxError') return { ok: false, reason: 'what answers there is no daemon' };
    return { ok: false, reason: REASONS[code ?? ''] ?? message };
  }
}
