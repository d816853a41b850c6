/**
 * The writer's side of a Frame Streams connection (the fstrm library's protocol, bi-directional): the two agree on what frames hold,
 * then frames go one way.
 *
 *   data frame      length 4 | octets
 *   control frame   0 4 | length 4 | type 4 | (field 4 = 1, length 4, content type)...
 *
 *   writer: READY -> reader: ACCEPT -> writer: START, data frames, STOP -> reader: FINISH
 */
import type { Duplex } from 'node:stream';

export const CONTENT_TYPE = 'protobuf:dnstap.Dnstap';

export const CONTROL = { ACCEPT: 1, START: 2, STOP: 3, READY: 4, FINISH: 5 } as const;
const FIELD_CONTENT_TYPE = 1;
/** fstrm's bound for a control frame. */
const CONTROL_SIZE_MAX = 512;

export interface FrameWriterEvents {
  /** The reader has accepted: frames may be written. */
  readonly onReady: () => void;
  /** It takes more again, after `write` has said that it does not. */
  readonly onDrain: () => void;
  /** Once; undefined where it was closed in order. */
  readonly onEnd: (problem: string | undefined) => void;
}

export class FrameWriter {
  readonly #socket: Duplex;
  readonly #events: FrameWriterEvents;
  #received = Buffer.alloc(0);
  #isReady = false;
  #hasEnded = false;
  #isCorked = false;

  /** The socket is connected and the writer's own from now on. */
  constructor(socket: Duplex, events: FrameWriterEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (octets: Buffer) => this.#receive(octets));
    socket.on('drain', () => events.onDrain());
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('the connection was closed'));
    socket.write(controlFrame(CONTROL.READY));
  }

  get isReady(): boolean {
    return this.#isReady && !this.#hasEnded;
  }

  /** False where it should be waited for `onDrain`; the frame is taken all the same. */
  write(octets: Uint8Array): boolean {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(octets.length);
    this.#cork();
    this.#socket.write(length);
    return this.#socket.write(octets);
  }

  /** The frames of one turn leave with one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    setImmediate(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }

  /** Says that no more comes, and closes when the reader has understood or has gone. */
  close(): void {
    if (this.isReady) this.#socket.end(controlFrame(CONTROL.STOP));
    else this.#socket.destroy();
    this.#end(undefined);
  }

  #receive(octets: Buffer): void {
    this.#received = Buffer.concat([this.#received, octets]);
    for (;;) {
      if (this.#received.length < 8) return;
      const isControl = this.#received.readUInt32BE(0) === 0;
      const length = this.#received.readUInt32BE(4);
      if (!isControl || length < 4 || length > CONTROL_SIZE_MAX) {
        this.#fail('what the reader says is no control frame');
        return;
      }
      if (this.#received.length < 8 + length) return;
      const frame = this.#received.subarray(8, 8 + length);
      this.#received = this.#received.subarray(8 + length);
      this.#obey(frame);
    }
  }

  #obey(frame: Buffer): void {
    const type = frame.readUInt32BE(0);
    if (type === CONTROL.FINISH) {
      this.#socket.destroy();
    } else if (type === CONTROL.ACCEPT && !this.#isReady) {
      if (!contentTypes(frame).includes(CONTENT_TYPE)) {
        this.#fail(`the reader takes no ${CONTENT_TYPE}`);
        return;
      }
      this.#isReady = true;
      this.#socket.write(controlFrame(CONTROL.START));
      this.#events.onReady();
    }
  }

  #fail(problem: string): void {
    this.#end(problem);
    this.#socket.destroy();
  }

  #end(problem: string | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#events.onEnd(problem);
  }
}

export function controlFrame(type: number): Buffer {
  const hasContentType = type !== CONTROL.STOP && type !== CONTROL.FINISH;
  const content = hasContentType ? Buffer.from(CONTENT_TYPE) : Buffer.alloc(0);
  const length = 4 + (hasContentType ? 8 + content.length : 0);
  const frame = Buffer.alloc(8 + length);
  frame.writeUInt32BE(length, 4);
  frame.writeUInt32BE(type, 8);
  if (!hasContentType) return frame;
  frame.writeUInt32BE(FIELD_CONTENT_TYPE, 12);
  frame.writeUInt32BE(content.length, 16);
  content.copy(frame, 20);
  return frame;
}

/** Those that a control frame names. */
function contentTypes(frame: Buffer): string[] {
  const types: string[] = [];
  let at = 4;
  while (at + 8 <= frame.length) {
    const length = frame.readUInt32BE(at + 4);
    const isType = frame.readUInt32BE(at) === FIELD_CONTENT_TYPE;
    if (isType) types.push(frame.subarray(at + 8, at + 8 + length).toString());
    at += 8 + length;
  }
  return types;
}
