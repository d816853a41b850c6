/** How UDP is served: through libc's batched calls, or through node:dgram. */
import type { Log } from '../base/log.ts';
import { type Libc, loadLibc } from '../os/libc.ts';
import type { UdpBackend } from './daemon-options.ts';

/** libc for the batched calls, or undefined for node:dgram: chosen, or because koffi cannot load. */
export function chooseBackend(wanted: UdpBackend, log: Log): Libc | undefined {
  if (wanted === 'dgram') return undefined;
  const libc = loadLibc();
  if (!(libc instanceof Error)) return libc;
  if (wanted === 'mmsg') throw libc;
  const cause = libc.cause instanceof Error ? libc.cause.message : libc.message;
  log.warn(`serving UDP through node:dgram, which is slower: ${cause.split('\n')[0]}`);
  return undefined;
}
