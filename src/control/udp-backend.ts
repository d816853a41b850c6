/** How clients are served: through libc's calls, or through node:dgram and node:net. */
import type { Log } from '../base/log.ts';
import { type Libc, loadLibc } from '../os/libc.ts';
import type { UdpBackend } from './daemon-options.ts';

/** libc for its calls, or undefined for Node's modules: chosen, or because koffi cannot load. */
export function chooseBackend(wanted: UdpBackend, log: Log): Libc | undefined {
  if (wanted === 'dgram') return undefined;
  const libc = loadLibc();
  if (!(libc instanceof Error)) return libc;
  if (wanted === 'mmsg') throw libc;
  const cause = libc.cause instanceof Error ? libc.cause.message : libc.message;
  log.warn(`serving through node:dgram and node:net, which is slower: ${cause.split('\n')[0]}`);
  return undefined;
}
