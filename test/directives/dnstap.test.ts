/** `dnstap`: messages in their octets, and how they come to sinks that behave well, badly or not at all. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { PbfReader } from 'pbf';
import { createLog } from '../../src/base/log.ts';
import type { DnstapOptions } from '../../src/directives/dnstap.ts';
import { encodeTap, TAP_PROTOCOL, TAP_TYPE } from '../../src/directives/dnstap-message.ts';
import { ConnectedSink, ListeningSink, SINKS_MAX } from '../../src/directives/dnstap-sink.ts';
import { DnstapTap } from '../../src/directives/dnstap-tap.ts';
import { CONTENT_TYPE, CONTROL, controlFrame } from '../../src/directives/frame-stream.ts';
import { Labels } from '../../src/directives/labels.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { A_RECORD, reportOf } from './reply-report.ts';
import { configOf, failureOf } from './server-block.ts';
import { questionFrom } from './stage-play.ts';

const optionsOf = (corefile: string): DnstapOptions => configOf(corefile).dnstap[0]!;

/** Field numbers and their values, the last of each: numbers, or octets. */
function fieldsOf(octets: Uint8Array): Record<number, number | Uint8Array> {
  const fields: Record<number, number | Uint8Array> = {};
  new PbfReader(octets).readFields((tag, _result, reader) => {
    fields[tag] =
      reader.type === 2
        ? reader.readBytes()
        : reader.type === 5
          ? reader.readFixed32()
          : reader.readVarint();
  }, undefined);
  return fields;
}

const text = (value: unknown) => Buffer.from(value as Uint8Array).toString();
const messageOf = (frame: Uint8Array) => fieldsOf(fieldsOf(frame)[14] as Uint8Array);

test('a message has the fields of dnstap.proto', () => {
  const frame = encodeTap(
    { identity: 'node', version: 'v', extra: 'e' },
    {
      type: TAP_TYPE.CLIENT_RESPONSE,
      protocol: TAP_PROTOCOL.TCP,
      querier: { host: '192.0.2.7', port: 4242 },
      responder: { host: '192.0.2.53', port: 53 },
      queriedAtMs: 1_700_000_000_123.5,
      respondedAtMs: 1_700_000_001_000,
      query: undefined,
      response: Uint8Array.of(1, 2, 3),
    },
  );
  const envelope = fieldsOf(frame);
  assert.deepEqual(
    [1, 2, 3].map((field) => text(envelope[field])),
    ['node', 'v', 'e'],
  );
  assert.equal(envelope[15], 1);
  const message = messageOf(frame);
  assert.deepEqual(
    {
      ...message,
      4: [...(message[4] as Uint8Array)],
      5: [...(message[5] as Uint8Array)],
      14: [...(message[14] as Uint8Array)],
    },
    {
      1: 6,
      2: 1,
      3: 2,
      4: [192, 0, 2, 7],
      5: [192, 0, 2, 53],
      6: 4242,
      7: 53,
      8: 1_700_000_000,
      9: 123_500_000,
      12: 1_700_000_001,
      13: 0,
      14: [1, 2, 3],
    },
  );
});

test('an IPv6 address, and one that nobody has', () => {
  const message = {
    type: TAP_TYPE.FORWARDER_QUERY,
    protocol: TAP_PROTOCOL.UDP,
    querier: undefined,
    responder: { host: '2001:db8::1', port: 53 },
    queriedAtMs: 0,
    respondedAtMs: undefined,
    query: undefined,
    response: undefined,
  };
  const fields = messageOf(encodeTap({ identity: '', version: '', extra: '' }, message));
  assert.equal(fields[2], 2);
  assert.deepEqual(Object.keys(fields), ['1', '2', '3', '5', '7', '8', '9']);
});

suite('the tap', () => {
  function tapWith(corefile: string) {
    const frames: Uint8Array[] = [];
    const sink = { push: (frame: Uint8Array) => frames.push(frame), close: () => {} };
    return { frames, tap: new DnstapTap(optionsOf(corefile), 'ours', new Labels(['.']), sink) };
  }

  test('a query of a client and its reply', () => {
    const { frames, tap } = tapWith(
      'dnstap /s full {\nidentity me\nextra "{name} {/forward/upstream}"\n}',
    );
    const report = reportOf(
      {},
      { answers: [A_RECORD] },
      { provenance: { upstream: '192.0.2.1:53' } },
    );
    tap.replied(report);
    assert.deepEqual(
      frames.map((frame) => messageOf(frame)[1]),
      [5, 6],
    );
    assert.equal(text(fieldsOf(frames[0]!)[3]), 'www.example.org. 192.0.2.1:53');
    assert.equal(text(fieldsOf(frames[0]!)[1]), 'me');
    assert.equal(text(fieldsOf(frames[0]!)[2]), 'ours');
    assert.deepEqual(Buffer.from(messageOf(frames[0]!)[10] as Uint8Array), report.query);
    assert.deepEqual(Buffer.from(messageOf(frames[1]!)[14] as Uint8Array), report.reply);
  });

  test('without full, no octets', () => {
    const { frames, tap } = tapWith('dnstap /s');
    tap.replied(reportOf());
    assert.deepEqual(
      frames.map((frame) => [messageOf(frame)[10], messageOf(frame)[14]]),
      [
        [undefined, undefined],
        [undefined, undefined],
      ],
    );
  });

  test('an exchange with an upstream; one that failed is none', () => {
    const { frames, tap } = tapWith('dnstap /s full');
    const exchange = {
      question: questionFrom('a.example A'),
      query: Uint8Array.of(1),
      durationMs: 2,
    };
    const response = Uint8Array.of(2);
    const result = { ok: true, response, to: '192.0.2.1:53', transport: 'tls' } as const;
    tap.exchanged({ ...exchange, result });
    tap.exchanged({ ...exchange, result: { ok: false, failure: { code: 'closed' } } });
    assert.deepEqual(
      frames.map((frame) => messageOf(frame)[1]),
      [7, 8],
    );
    const [query, answer] = frames.map(messageOf) as [
      Record<number, unknown>,
      Record<number, unknown>,
    ];
    assert.deepEqual([query[3], answer[3]], [3, 3]);
    assert.deepEqual([...(query[4] as Uint8Array)], [192, 0, 2, 99]);
    assert.deepEqual([...(answer[5] as Uint8Array)], [192, 0, 2, 1]);
  });
});

/** The reader's side: what came, frame by frame; a control frame as its type. */
class Reader {
  readonly frames: (number | string)[] = [];
  readonly socket: Socket;
  #received = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (octets: Buffer) => this.#receive(octets));
  }

  #receive(octets: Buffer): void {
    this.#received = Buffer.concat([this.#received, octets]);
    while (this.#received.length >= 4) {
      const first = this.#received.readUInt32BE(0);
      const at = first === 0 ? 8 : 4;
      const length = first === 0 ? this.#received.readUInt32BE(4) : first;
      if (this.#received.length < at + length) return;
      const frame = this.#received.subarray(at, at + length);
      this.#received = this.#received.subarray(at + length);
      this.frames.push(first === 0 ? frame.readUInt32BE(0) : frame.toString());
      if (first === 0 && frame.readUInt32BE(0) === CONTROL.STOP)
        this.socket.end(controlFrame(CONTROL.FINISH));
    }
  }

  accept(): void {
    this.socket.write(controlFrame(CONTROL.ACCEPT));
  }
}

interface SinkServer {
  readonly path: string;
  readonly readers: Reader[];
  readonly server: Server;
}

async function startSinkServer(
  t: TestContext,
  onReader: (reader: Reader) => void,
): Promise<SinkServer> {
  const path = join(temporaryDirectory(t), 'tap.sock');
  const readers: Reader[] = [];
  const server = createServer((socket) => {
    const reader = new Reader(socket);
    readers.push(reader);
    onReader(reader);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    for (const { socket } of readers) socket.destroy();
    server.close();
  });
  return { path, readers, server };
}

function deps() {
  const lines: string[] = [];
  const counted = { dropped: 0, sinksRefused: 0 };
  return {
    lines,
    counted,
    log: createLog((line) => lines.push(line)),
    onDropped: (count: number) => {
      counted.dropped += count;
    },
    onSinkRefused: () => {
      counted.sinksRefused += 1;
    },
  };
}

const frame = (content: string) => Buffer.from(content);

suite('a sink that we connect to', () => {
  test('handshake, frames that waited, end', async (t) => {
    const { path, readers } = await startSinkServer(t, (reader) => reader.accept());
    const sink = new ConnectedSink(optionsOf(`dnstap ${path}`), deps());
    for (const content of ['a', 'b']) sink.push(frame(content));
    await until('the frames', () => readers[0]?.frames.includes('b') ?? false);
    sink.close();
    await until('the end', () => readers[0]!.frames.includes(CONTROL.STOP));
    assert.deepEqual(readers[0]!.frames, [CONTROL.READY, CONTROL.START, 'a', 'b', CONTROL.STOP]);
  });

  test('is named once while it is away, and gets what waited when it is there', async (t) => {
    const path = join(temporaryDirectory(t), 'tap.sock');
    const { lines, ...rest } = deps();
    const sink = new ConnectedSink(optionsOf(`dnstap unix://${path}`), rest);
    t.after(() => sink.close());
    sink.push(frame('early'));
    await until('a line', () => lines.length === 1);
    assert.match(lines[0]!, /no connection to .*tap\.sock: .*ENOENT/);
    const readers: Reader[] = [];
    const server = createServer((socket) => {
      const reader = new Reader(socket);
      reader.accept();
      readers.push(reader);
    }).listen(path);
    t.after(() => {
      for (const { socket } of readers) socket.destroy();
      server.close();
    });
    await until('the frame', () => readers[0]?.frames.includes('early') ?? false);
    assert.equal(lines.length, 1);
  });

  test('beyond the queue frames are dropped and counted', async (t) => {
    const { path } = await startSinkServer(t, () => {});
    const { counted, ...rest } = deps();
    const options = { ...optionsOf(`dnstap ${path}`), queueMax: 3 };
    const sink = new ConnectedSink(options, rest);
    for (const content of ['a', 'b', 'c', 'd', 'e']) sink.push(frame(content));
    assert.equal(counted.dropped, 2);
    sink.close();
    assert.equal(counted.dropped, 5);
  });

  test('one that speaks nonsense, or takes something else, is left', async (t) => {
    for (const say of [
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      Buffer.from([0, 0, 0, 0, 0, 0, 2, 1, 0]),
      Buffer.concat([
        controlFrame(CONTROL.ACCEPT).subarray(0, 20),
        Buffer.from('x'.repeat(CONTENT_TYPE.length)),
      ]),
    ]) {
      const { path, readers } = await startSinkServer(t, ({ socket }) => socket.write(say));
      const { lines, ...rest } = deps();
      const sink = new ConnectedSink(optionsOf(`dnstap ${path}`), rest);
      await until('a line', () => lines.length === 1);
      assert.match(lines[0]!, /no control frame|takes no protobuf/);
      sink.close();
      assert.equal(readers[0]!.frames.includes(CONTROL.START), false);
    }
  });
});

suite('sinks that connect to us', () => {
  async function connectTo(t: TestContext, path: string): Promise<Reader> {
    const socket = connect({ path });
    t.after(() => socket.destroy());
    const reader = new Reader(socket);
    await until('the handshake', () => reader.frames.includes(CONTROL.READY));
    reader.accept();
    await until('the start', () => reader.frames.includes(CONTROL.START));
    return reader;
  }

  test('each gets what comes', async (t) => {
    const path = join(temporaryDirectory(t), 'tap.sock');
    const sink = new ListeningSink(optionsOf(`dnstap listen ${path}`), deps());
    t.after(() => sink.close());
    await until('the socket', () => existsSync(path));
    const readers = [await connectTo(t, path), await connectTo(t, path)];
    sink.push(frame('a'));
    for (const reader of readers) await until('the frame', () => reader.frames.includes('a'));
  });

  test('a socket file that nobody listens at is taken over, any other file is not', async (t) => {
    const path = join(temporaryDirectory(t), 'tap.sock');
    const leave = `require('net').createServer().listen('${path}', () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ['-e', leave]);
    assert.equal(existsSync(path), true);
    const sink = new ListeningSink(optionsOf(`dnstap listen ${path}`), deps());
    t.after(() => sink.close());
    await until('a listener', async () => {
      const socket = connect({ path });
      await once(socket, 'connect');
      socket.destroy();
    });
    const other = join(temporaryDirectory(t), 'file');
    writeFileSync(other, 'x');
    const { lines, ...rest } = deps();
    const blocked = new ListeningSink(optionsOf(`dnstap listen ${other}`), rest);
    await until('a line', () => lines.length === 1);
    assert.match(lines[0]!, /cannot listen on .*file yet/);
    blocked.close();
    assert.equal(readFileSync(other, 'utf8'), 'x');
  });

  test('waits for the address while another holds it', async (t) => {
    const { path, server } = await startSinkServer(t, () => {});
    const { lines, ...rest } = deps();
    const sink = new ListeningSink(optionsOf(`dnstap listen ${path}`), rest);
    t.after(() => sink.close());
    await until('a line', () => lines.length === 1);
    server.close();
    await connectToEventually(t, path);
  });

  async function connectToEventually(t: TestContext, path: string): Promise<void> {
    await until('our socket', async () => existsSync(path));
    await connectTo(t, path);
  }

  test('one more than there may be is closed at once, and counted', async (t) => {
    const path = join(temporaryDirectory(t), 'tap.sock');
    const { counted, ...rest } = deps();
    const sink = new ListeningSink(optionsOf(`dnstap listen ${path}`), rest);
    t.after(() => sink.close());
    await until('the socket', () => existsSync(path));
    const readers: Reader[] = [];
    for (let count = 0; count < SINKS_MAX; count++) readers.push(await connectTo(t, path));
    assert.equal(counted.sinksRefused, 0);
    const socket = connect({ path });
    await once(socket, 'close');
    assert.equal(counted.sinksRefused, 1);
    sink.push(frame('a'));
    for (const reader of readers) await until('the frame', () => reader.frames.includes('a'));
    readers[0]!.socket.destroy();
    await until('a place for another', async () => {
      const count = counted.sinksRefused;
      const next = new Reader(connect({ path }));
      t.after(() => next.socket.destroy());
      await until('an answer', () => next.frames.length > 0 || counted.sinksRefused > count);
      return next.frames.includes(CONTROL.READY);
    });
  });

  test('one that reads nothing is let go', async (t) => {
    const path = join(temporaryDirectory(t), 'tap.sock');
    const { lines, counted, ...rest } = deps();
    const sink = new ListeningSink(
      { ...optionsOf(`dnstap listen ${path}`), writeBufferBytes: 4096 },
      rest,
    );
    t.after(() => sink.close());
    await until('the socket', () => existsSync(path));
    const reader = await connectTo(t, path);
    reader.socket.pause();
    const large = Buffer.alloc(64_000, 1);
    await until('the line', () => {
      sink.push(large);
      return lines.length > 0;
    });
    assert.match(lines[0]!, /is too slow: let go/);
    assert.equal(counted.dropped, 1);
  });
});

test('what the Corefile may say', () => {
  assert.deepEqual(optionsOf('dnstap tls://h.example:6000 full 2 3').socket, {
    kind: 'tls',
    host: 'h.example',
    port: 6000,
  });
  assert.equal(optionsOf('dnstap /s full 2 3').queueMax, 30_000);
  assert.equal(optionsOf('dnstap /s full 2 3').writeBufferBytes, 2 * 2 ** 20);
  assert.match(failureOf('dnstap tcp://h'), /expected PATH, unix:\/\/PATH, tcp:\/\/HOST:PORT/);
  assert.match(failureOf('dnstap /s {\ntls a b\n}'), /tls: expected dnstap listen/);
  assert.match(failureOf('dnstap listen tls://127.0.0.1:1'), /expected tls CERT KEY/);
});
