/**
 * The entry file of a responder thread: it takes its wiring from `workerData`, its sockets and plans from a message port, and
 * runs until it is told to stop. It never returns to its event loop in between, so messages are taken from the port by hand
 * when the eventfd says that there are some.
 */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CacheMemory } from './cache/memory.ts';
import { keepCapabilities } from './os/capabilities.ts';
import { BATCH_MAX, BUFFER_SIZE } from './os/datagram-batch.ts';
import { requireLibc } from './os/libc.ts';
import { Answerer } from './server/answer.ts';
import { type ResponderCommand, type ResponderData, STARTED } from './server/responder-data.ts';
import { ResponderLoop } from './server/responder-loop.ts';

const data = workerData as ResponderData;
const libc = requireLibc();
// This thread reads whatever anybody sends, on sockets that others have opened: it needs no privilege at all.
keepCapabilities(libc, []);
const memory = CacheMemory.attach(data.memory);
const answerer = new Answerer(memory, {
  reader: data.reader,
  rowCount: data.rowCount,
  hashSeed: data.hashSeed,
  bufferSize: BUFFER_SIZE,
  batchMax: BATCH_MAX,
  isStream: false,
  answersIndirect: false,
});
const loop = new ResponderLoop({
  libc,
  answerer,
  counters: memory.words,
  missRing: data.missRing,
  sampleRing: data.sampleRing,
  rounds: data.rounds,
  wakeFd: data.wakeFd,
  eventFd: data.eventFd,
});

/** False when it is over. */
function obey(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(data.port) as { message: ResponderCommand } | undefined;
    if (received === undefined) return true;
    const command = received.message;
    if (command.kind === 'stop') return false;
    loop.setSockets(command.sockets);
    answerer.apply(command.plan);
    data.port.postMessage(command.number);
  }
}

data.port.postMessage(STARTED);
for (let goesOn = obey(); goesOn; ) {
  if (loop.round()) goesOn = obey();
}
data.port.close();
