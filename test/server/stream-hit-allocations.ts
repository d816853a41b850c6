/**
 * Measures what a hit over TCP allocates, with the whole round of a responder around it: one query in flight on a real connection.
 * For responder-streams.test.ts: prints the bytes a hit, and the same with an object made for each, so that the measurement is seen
 * to work, and CPU microseconds a round with the client's part. Run with --expose-gc and a young generation that holds all of it.
 */
import { frame } from '../../src/cli/stand-in/frames.ts';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { encodeQuery } from '../support/messages.ts';
import { bytesEach } from './allocation-meter.ts';
import { StreamStage } from './stream-stage.ts';

const HITS = 20_000;
const ROUNDS = 8;
const NAME = 'www.cluster.local';

const libc = requireLibc();
const stage = new StreamStage();
stage.fixture.admit({
  name: NAME,
  times: { prefetchAtMs: 0, prefetchHits: 10, prefetchPauseMs: 1000 },
});
const fd = libc.socket(OS.AF_INET, OS.SOCK_STREAM | OS.SOCK_CLOEXEC, 0);
const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
const size = writeSocketAddress(place.octets, 0, { host: '127.0.0.1', port: stage.port });
if (libc.connect(fd, place.address, size) < 0) throw new Error('connect');
const query = frame(encodeQuery({ name: NAME, edns: {} }));
const buffer = new Pinned(libc, 4096);
const kept: object[] = [{}];

function hit(count: number, keep: boolean): void {
  for (let index = 0; index < count; index++) {
    buffer.octets.set(query);
    libc.send(fd, buffer.address, query.length, 0);
    stage.loop.round();
    const size = libc.recv(fd, buffer.address, 4096, OS.MSG_DONTWAIT);
    if (size <= query.length) throw new Error('not a hit');
    if (keep) kept[0] = { size };
  }
}

function bytesPerHit(keep: boolean): number {
  return bytesEach({ count: HITS, rounds: ROUNDS, warmUp: 2, run: (count) => hit(count, keep) });
}

// The connection is accepted.
stage.loop.round();
const perHit = bytesPerHit(false);
const perHitWithObject = bytesPerHit(true);
const before = process.threadCpuUsage();
hit(HITS, false);
const { user, system } = process.threadCpuUsage(before);
const cpuUsPerRound = (user + system) / HITS;
process.stdout.write(JSON.stringify({ perHit, perHitWithObject, cpuUsPerRound }));
stage.close();
libc.close(fd);
