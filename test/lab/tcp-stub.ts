/**
 * A client over TCP with the schedule and the records of `stub.c`: a connection for each query, or with `--one-socket` one for all, opened
 * again when the server has closed it. A query whose connection ends before the answer is asked again on a new one, if it has a try left
 * (RFC 7766 section 6.2.4; glibc does so). It is lost when it has none, or time is up.
 *
 *     node tcp-stub.ts --server IP [--start-at US] [--timeout-ms N] [--tries N] [--one-socket] < schedule > records
 */
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decode, encode } from 'dns-packet';
import { FrameReader, frame } from '../../src/cli/stand-in/frames.ts';

interface Sent {
  readonly lookup: number;
  readonly name: string;
  readonly sentUs: number;
  readonly expiry: NodeJS.Timeout;
  connection: Socket;
  tries: number;
}

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '10.96.0.10' },
    'start-at': { type: 'string', default: '0' },
    'timeout-ms': { type: 'string', default: '2000' },
    tries: { type: 'string', default: '1' },
    'one-socket': { type: 'boolean', default: false },
  },
});
const startUs = Number(values['start-at']) || monotonicUs();
const timeoutMs = Number(values['timeout-ms']);
const triesMax = Number(values.tries);
const waiting = new Map<number, Sent>();
let kept: Socket | undefined;

const schedule = (await text(process.stdin)).split('\n').filter(Boolean);
for (const [lookup, line] of schedule.entries()) {
  const [atUs, name] = line.split(' ');
  const delayMs = (Number(atUs) + startUs - monotonicUs()) / 1000;
  if (delayMs > 0) await pause(delayMs);
  ask(lookup, name!);
}
while (waiting.size > 0) await pause(10);
kept?.destroy();

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function ask(lookup: number, name: string): void {
  const id = lookup & 0xffff;
  const sentUs = monotonicUs() - startUs;
  const expiry = setTimeout(() => conclude(id, -1), timeoutMs);
  waiting.set(id, { lookup, name, sentUs, expiry, connection: send(id, name), tries: 1 });
}

function send(id: number, name: string): Socket {
  const connection = (values['one-socket'] && kept) || open();
  if (values['one-socket']) kept = connection;
  const question = { name, type: 'A' as const, class: 'IN' as const };
  connection.write(frame(encode({ type: 'query', id, flags: 0x0100, questions: [question] })));
  return connection;
}

/** The connection has ended without the answer. */
function askAgain(id: number, sent: Sent): void {
  if (sent.tries === triesMax) conclude(id, -1);
  else {
    sent.tries += 1;
    sent.connection = send(id, sent.name);
  }
}

function open(): Socket {
  const connection = connect({ host: values.server, port: 53, noDelay: true });
  const frames = new FrameReader();
  connection.on('data', (chunk: Buffer) => {
    for (const message of frames.push(chunk)) {
      const { id = 0, rcode } = decode(message) as { id?: number; rcode?: string };
      conclude(id, rcode === 'NOERROR' ? 0 : 2);
      if (!values['one-socket']) connection.end();
    }
  });
  connection.on('error', () => {}); // 'close' follows.
  const isOver = () => {
    if (kept === connection) kept = undefined;
  };
  connection.on('end', isOver);
  connection.on('close', () => {
    isOver();
    for (const [id, sent] of waiting) if (sent.connection === connection) askAgain(id, sent);
  });
  return connection;
}

function conclude(id: number, rcode: number): void {
  const sent = waiting.get(id);
  if (sent === undefined) return;
  waiting.delete(id);
  clearTimeout(sent.expiry);
  const latencyUs = monotonicUs() - startUs - sent.sentUs;
  process.stdout.write(
    `Q ${sent.lookup} ${sent.name} A ${sent.sentUs} ${latencyUs} ${rcode} 0 ${sent.tries}\n`,
  );
}
