/**
 * A responder's end of a miss ring in a thread of its own, for miss-ring.test.ts: writes numbered records of
 * different sizes as fast as it can, of three sources in turns.
 */
import { workerData } from 'node:worker_threads';
import { MissRing, TAKEN, WRITTEN } from '../../src/server/miss-ring.ts';

const { buffer, count } = workerData as { buffer: SharedArrayBuffer; count: number };
const ring = new MissRing(buffer);
const octets = new Uint8Array(1024);
const words = new Int32Array(octets.buffer);
const [PEER_AT, PEER_SIZE] = [1000, 16];
const SOURCES = 3;

/** Half of the time it waits for the reader after each hundred records: the ring is empty then. */
function waitsAt(number: number): boolean {
  return number % 10_000 < 5000 && number % 100 === 0;
}

const control = new Int32Array(buffer);

for (let number = 0; number < count; number++) {
  const size = 8 + (number % 700);
  words[0] = number;
  octets.fill(number, 4, size);
  octets[PEER_AT + 7] = number % SOURCES;
  while (!ring.push(octets, 0, size, PEER_AT, PEER_SIZE, 0, 0, number, number)) {
    // The reader is slower: this thread has nothing else to do.
  }
  while (waitsAt(number) && Atomics.load(control, WRITTEN) !== Atomics.load(control, TAKEN));
}
