/**
 * The entry file of a responder thread: it waits for its wiring, then takes its sockets and plans from a message port, and runs
 * until it is told to stop. It never returns to its event loop in between, so messages are taken from the port by hand when the
 * eventfd says that there are some.
 */
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { CacheMemory } from './cache/memory.ts';
import { keepCapabilities } from './os/capabilities.ts';
import { BATCH_MAX, BUFFER_SIZE } from './os/datagram-batch.ts';
import { requireLibc } from './os/libc.ts';
import { requestSlice } from './os/scheduling.ts';
import { Answerer } from './server/answer.ts';
import { type ResponderCommand, type ResponderData, STARTED } from './server/responder-data.ts';
import { ResponderLoop } from './server/responder-loop.ts';
import { WarmUp } from './server/warm-up.ts';
import { MESSAGE_SIZE_MAX } from './wire/registry.ts';

/** The least that the kernel takes; a query at a low rate takes 20 to 30. */
const SLICE_US = 100;

const data = await new Promise<ResponderData>((resolve) => parentPort!.once('message', resolve));
const libc = requireLibc();
// This thread reads whatever anybody sends, on sockets that others have opened: it needs no privilege at all.
keepCapabilities(libc, []);
// A hit must not wait until the slice of the resolver, or of another program, is over. Where the kernel refuses, it does.
requestSlice(libc, SLICE_US);
const memory = CacheMemory.attach(data.memory);
const answererOf = (isStream: boolean) =>
  new Answerer(memory, {
    reader: data.reader,
    rowCount: data.rowCount,
    hashSeed: data.hashSeed,
    bufferSize: isStream ? MESSAGE_SIZE_MAX : BUFFER_SIZE,
    batchMax: BATCH_MAX,
    isStream,
    answersIndirect: false,
  });
const answerer = answererOf(false);
const streamAnswerer = answererOf(true);
const loop = new ResponderLoop({ ...data, libc, answerer, streamAnswerer, counters: memory.words });
/** Of the command to end, once there was one. */
let endNumber: number | undefined;

/** False when it is over. */
function obey(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(data.port) as { message: ResponderCommand } | undefined;
    if (received === undefined) return true;
    const command = received.message;
    if (command.kind === 'stop') return false;
    if (command.kind === 'end') {
      endNumber = command.number;
      loop.streams.end(command.graceMs, command.number);
    } else {
      loop.setSockets(command.sockets);
      loop.streams.setListeners(command.listeners, command.number);
      answerer.apply(command.plan);
      streamAnswerer.apply(command.streamPlan);
      data.port.postMessage(command.number);
    }
  }
}

const collect = () => globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
// What loading has left: there is hardly any garbage later, so nothing would ever collect it, and now no query waits for it.
collect();
const warmUp = new WarmUp(collect);
data.port.postMessage(STARTED);
for (let goesOn = obey(); goesOn; ) {
  if (loop.round()) goesOn = obey();
  warmUp.round(loop.hasTicked);
  if (endNumber !== undefined && loop.streams.hasEnded) {
    data.port.postMessage(endNumber);
    endNumber = undefined;
  }
}
loop.close();
data.port.close();
