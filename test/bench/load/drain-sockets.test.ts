/** Clients of a drain, against two sockets of one address that nobody reads until they are told to. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DrainSockets } from '../../../bench/load/drain-sockets.ts';
import { BATCH_MESSAGES } from '../../../bench/load/mmsg.ts';
import { encodeQuestions } from '../../../bench/load/questions.ts';
import { CONTROL_MODE, DatagramBatch } from '../../../src/os/datagram-batch.ts';
import { type Libc, loadLibc } from '../../../src/os/libc.ts';
import { describeSocket, openUdpSocket, setReceiveBuffer } from '../../../src/os/udp-socket.ts';

const libc = loadLibc() as Libc;
const skip = libc instanceof Error ? 'no system calls here' : false;
const SOCKETS = 2;
const PAUSE_US = 20_000;
const SERVFAIL = 2;

function openPair(context: TestContext): { port: number; fds: readonly number[] } {
  const first = openUdpSocket(libc, { host: '127.0.0.1', port: 0 });
  const { port } = describeSocket(libc, first)!.address;
  const fds = [first, openUdpSocket(libc, { host: '127.0.0.1', port })];
  for (const fd of fds) setReceiveBuffer(libc, fd, 1 << 20);
  context.after(() => {
    for (const fd of fds) libc.close(fd);
  });
  return { port, fds };
}

/** Sends all that waits back as responses with this RCODE; says how many. */
function answerAll(fd: number, rcode: number): number {
  const batch = new DatagramBatch(libc);
  let answered = 0;
  for (let count = batch.receive(fd, CONTROL_MODE.NONE); count > 0; ) {
    for (let slot = 0; slot < count; slot++) {
      batch.octets[batch.bufferAt(slot) + 2]! |= 0x80;
      batch.octets[batch.bufferAt(slot) + 3] = rcode;
      batch.queue(slot, batch.sizeOf(slot));
    }
    batch.send(fd);
    answered += count;
    count = batch.receive(fd, CONTROL_MODE.NONE);
  }
  return answered;
}

test('each queue is filled by sockets of its own; replies are counted, judged and timed', {
  skip,
}, (context) => {
  const { port, fds } = openPair(context);
  const set = encodeQuestions(
    ['a.example.org', 'bb.example.org', 'ccc.example.org'].map((name) => {
      return { name, type: 'A', outcome: 'NODATA' };
    }),
    { edns: false, exactAddress: false },
  );
  assert(!(set instanceof Error));
  const clients = new DrainSockets(libc, port, SOCKETS, set);
  context.after(() => clients.close());
  assert.equal(clients.queueCount, 2);
  for (const fd of fds) answerAll(fd, 0);
  assert(clients.collect().every(({ count, wrong }) => count === SOCKETS && wrong === 0));
  assert.equal(clients.waitingOctets(), 0);

  clients.fill(0, 2);
  assert(clients.waitingOctets() > 0);
  const answered = fds.map((fd) => answerAll(fd, 0));
  const queue = answered.indexOf(2 * SOCKETS * BATCH_MESSAGES);
  assert.equal(answered[1 - queue], 0);
  const [first, second] = [fds[queue]!, fds[1 - queue]!];
  clients.fill(1, 1);
  libc.usleep(PAUSE_US);
  assert.equal(answerAll(second, SERVFAIL), SOCKETS * BATCH_MESSAGES);
  const [right, wrong] = clients.collect();
  assert.deepEqual([right!.count, right!.wrong], [2 * SOCKETS * BATCH_MESSAGES, 0]);
  assert.deepEqual([wrong!.count, wrong!.wrong], [SOCKETS * BATCH_MESSAGES, wrong!.count]);
  assert(right!.firstNs < right!.lastNs);
  assert(wrong!.firstNs - right!.lastNs >= PAUSE_US * 1000);

  clients.fill(0, 1);
  answerAll(first, 0);
  clients.fill(0, 1);
  libc.usleep(PAUSE_US);
  answerAll(first, 0);
  const [paused, nothing] = clients.collect();
  assert(paused!.lastNs - paused!.firstNs >= PAUSE_US * 1000);
  assert.equal(nothing!.count, 0);
});
