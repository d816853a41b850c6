/**
 * Measures what a hit allocates, with the whole round of a responder around it: one query in flight on a real socket. Prints the bytes a
 * hit, and the same with an object made for each, so that the measurement is seen to work, and CPU microseconds a round with the
 * client's part. round-measurement.ts runs it; its argument is `udp` or `tcp`.
 */
import { frame } from '../../src/cli/stand-in/frames.ts';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { describeSocket } from '../../src/os/udp-socket.ts';
import { encodeQuery } from '../support/messages.ts';
import { bytesEach } from './allocation-meter.ts';
import { LISTENER } from './answerer-fixture.ts';
import { StreamStage } from './stream-stage.ts';

const HITS = 20_000;
const ROUNDS = 8;
const NAME = 'www.cluster.local';
const HOST = '127.0.0.1';

const isStream = process.argv[2] === 'tcp';
const type = (isStream ? OS.SOCK_STREAM : OS.SOCK_DGRAM) | OS.SOCK_CLOEXEC;
const libc = requireLibc();
const stage = new StreamStage();
stage.fixture.admit({
  name: NAME,
  times: { prefetchAtMs: 0, prefetchHits: 10, prefetchPauseMs: 1000 },
});
const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
const client = libc.socket(OS.AF_INET, type, 0);
const placeSize = writeSocketAddress(place.octets, 0, { host: HOST, port: serverPort() });
if (libc.connect(client, place.address, placeSize) < 0) throw new Error('connect');
const message = encodeQuery({ name: NAME, edns: {} });
const query = isStream ? frame(message) : message;
const buffer = new Pinned(libc, 4096);
const kept: object[] = [{}];

/** Of the stage's listener, or of a socket of UDP that its loop has. */
function serverPort(): number {
  if (isStream) return stage.port;
  const fd = libc.socket(OS.AF_INET, type, 0);
  const size = writeSocketAddress(place.octets, 0, { host: HOST, port: 0 });
  if (libc.bind(fd, place.address, size) < 0) throw new Error('bind');
  const own = new Uint8Array(SOCKET_ADDRESS_SIZE);
  stage.loop.setSockets([{ fd, id: 1, listener: LISTENER, own, isWildcard: false }]);
  return describeSocket(libc, fd)!.address.port;
}

function hit(count: number, keep: boolean): void {
  for (let index = 0; index < count; index++) {
    buffer.octets.set(query);
    libc.send(client, buffer.address, query.length, 0);
    stage.loop.round();
    const size = libc.recv(client, buffer.address, 4096, OS.MSG_DONTWAIT);
    if (size <= query.length) throw new Error('not a hit');
    if (keep) kept[0] = { size };
  }
}

function bytesPerHit(keep: boolean): number {
  return bytesEach({ count: HITS, rounds: ROUNDS, warmUp: 2, run: (count) => hit(count, keep) });
}

// The connection is accepted.
if (isStream) stage.loop.round();
const perHit = bytesPerHit(false);
const perHitWithObject = bytesPerHit(true);
const before = process.threadCpuUsage();
hit(HITS, false);
const { user, system } = process.threadCpuUsage(before);
const cpuUsPerRound = (user + system) / HITS;
process.stdout.write(JSON.stringify({ perHit, perHitWithObject, cpuUsPerRound }));
stage.close();
libc.close(client);
