/**
 * The question that `loop` asks at the start, to the block's own first address, until it is answered, half a minute at most, as
 * CoreDNS does. Whether it comes back is for the detector to see. Each attempt is counted by itself: with an upstream that
 * is silent, the same question asked three times must not look like a loop.
 */
import { createSocket } from 'node:dgram';
import { hostPort } from '../base/ip-address.ts';
import type { LoopDetector } from '../directives/loop-detector.ts';
import type { HostPort } from '../directives/resolution.ts';
import type { Listener } from '../server/client.ts';
import { nameFromText } from '../wire/name.ts';
import { QCLASS, QTYPE } from '../wire/registry.ts';
import { buildUpstreamQuery } from '../wire/reply.ts';

/** Longer than a forward's deadline of 4 s, so that an attempt is over before the next. */
const RETRY_MS = 5000;
const ATTEMPTS_MAX = 6;
/** How long the detector goes on after the answer, as in CoreDNS. */
const LOOK_AFTER_MS = 2000;

/** Starts asking; the returned function ends it. */
export function probeForLoop(detector: LoopDetector, listener: Listener): () => void {
  const host = probeHost(listener.host);
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const query = buildUpstreamQuery(
    {
      qname: nameFromText(detector.name)!,
      qtype: QTYPE.HINFO,
      qclass: QCLASS.IN,
      opcode: 0,
      rd: true,
      cd: false,
      dnssecOk: false,
    },
    1232,
  );
  let attempts = 0;
  const ask = () => {
    attempts += 1;
    detector.forget();
    if (attempts > ATTEMPTS_MAX) end();
    else socket.send(query, listener.port, host);
  };
  const timer = setInterval(ask, RETRY_MS);
  let lookAfter: NodeJS.Timeout | undefined;
  const end = () => {
    clearInterval(timer);
    clearTimeout(lookAfter);
    detector.stop();
    socket.removeAllListeners('message');
    if (!hasClosed) socket.close();
    hasClosed = true;
  };
  let hasClosed = false;
  socket.on('error', end);
  socket.once('message', () => {
    clearInterval(timer);
    lookAfter = setTimeout(end, LOOK_AFTER_MS);
    lookAfter.unref();
  });
  timer.unref();
  socket.unref();
  ask();
  return end;
}

/** A wildcard is asked on loopback. */
function probeHost(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** CoreDNS's words, which operators search for. */
export function loopText({ zone, name }: LoopDetector, peer: HostPort, port: number): string {
  return (
    `plugin/loop: Loop (${hostPort(peer.host, peer.port)} -> :${port}) detected for zone "${zone}", ` +
    `see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO ${name}"`
  );
}
