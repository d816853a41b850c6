/**
 * Clients that send what is no query, over UDP and TCP, on both ways in which the daemon serves UDP: each message that could
 * be a query is answered, no error is longer than what it answers, and between any two of them a good query is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../bench/load/random.ts';
import { below, mutated, pick, type Random, randomOctets } from '../fuzz/mutations.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { TcpClient } from '../support/dns-client.ts';
import { encodeQuery } from '../support/messages.ts';
import { corpus } from '../wire/corpus.ts';
import {
  assertUnbroken,
  assertWellFormed,
  isAnswered,
  RawUpstream,
  rcodeOf,
  residentMib,
  Volleys,
} from './malformed-load.ts';

const SEED = 20_261_123;
/** A socket's buffer holds 256 small datagrams by default. */
const VOLLEY = 200;
/** Beyond what is resident after a fifth of the load: V8’s heap, pages of the cache. Twenty times the load adds no more than 80. */
const GROWTH_MIB_MAX = 64;

const LOADS = {
  mmsg: { datagrams: 80_000, single: 1000, streams: 2000 },
  dgram: { datagrams: 10_000, single: 500, streams: 1000 },
} as const;

/** No records, NXDOMAIN: a reply is never longer than its query. */
function nothing(query: Buffer): Uint8Array {
  // A health check, which follows a question that this process is late with, has no OPT.
  const end = query.length - (query.readUInt16BE(10) === 0 ? 0 : 11);
  const reply = Buffer.from(query.subarray(0, end));
  reply.writeUInt16BE(0x8183, 2);
  reply.writeUInt16BE(0, 10);
  reply[2]! |= query[2]! & 0x79;
  return reply;
}

const GOOD = { name: 'good.example.org' };
const TEMPLATES = [
  encodeQuery(GOOD),
  encodeQuery({ name: 'www.example.org', type: 'AAAA' }),
  encodeQuery({ name: 'a.b.c.d.e.f.g.example.org', edns: { dnssecOk: true } }),
  encodeQuery({ name: '.', type: 'NS', edns: { version: 1 } }),
  encodeQuery({
    name: 'cookie.example.org',
    edns: {
      options: [
        { code: 10, data: new Uint8Array(8) },
        { code: 8, data: Uint8Array.of(0, 1, 24, 0, 192, 0, 2) },
      ],
    },
  }),
  encodeQuery({
    name: [new Uint8Array(63), new Uint8Array(63), new Uint8Array(63), new Uint8Array(61)],
  }),
];
const SAMPLES = corpus().map(({ message }) => message);

function malformed(random: Random): Uint8Array {
  const kind = random();
  if (kind < 0.1) return randomOctets(random, below(random, 600));
  if (kind < 0.101) return randomOctets(random, 60_000 + below(random, 5000));
  const isSample = kind < 0.3 && SAMPLES.length > 0;
  if (!isSample) return mutated(pick(random, TEMPLATES), random);
  const sample = Uint8Array.from(pick(random, SAMPLES).subarray(0, 65_000));
  if (sample.length > 2) sample[2]! &= 0x7f;
  return random() < 0.5 ? sample : mutated(sample, random);
}

/** Sends them in volleys; the rcodes that came back, and how often. */
async function fire(volleys: Volleys, count: number, volley: number, random: Random) {
  const rcodes = new Array<number>(16).fill(0);
  for (let left = count; left > 0; left -= volley) {
    const datagrams = Array.from({ length: Math.min(volley, left) }, () => malformed(random));
    const replies = await volleys.send([...datagrams, encodeQuery(GOOD)], isAnswered);
    assert.equal(rcodeOf(replies.at(-1)!), 3, 'a good query behind them');
    for (const [index, datagram] of datagrams.entries()) {
      const reply = replies[index];
      if (reply === undefined) continue;
      assertWellFormed(reply);
      assert.ok(reply.length <= datagram.length, `${reply.length} for ${datagram.length} octets`);
      rcodes[rcodeOf(reply)]! += 1;
    }
  }
  return rcodes;
}

/** Octets of a stream of which nothing is right, or only the start. */
function malformedStream(random: Random): Uint8Array {
  const message = malformed(random);
  const length = (size: number) => Uint8Array.of(size >> 8, size & 0xff);
  const good = encodeQuery(GOOD);
  const kind = below(random, 7);
  if (kind === 0) return randomOctets(random, below(random, 200));
  if (kind === 1) return Buffer.concat([length(message.length), message]);
  if (kind === 2) return Buffer.concat([length(good.length), good, message]);
  if (kind === 3) return Buffer.concat([length(below(random, 65_536)), message]);
  if (kind === 4) return new Uint8Array(2 * below(random, 200));
  if (kind === 5)
    return Buffer.concat([length(good.length), good.subarray(0, below(random, good.length))]);
  if (random() < 0.9) return Buffer.concat([length(good.length), good, length(12)]);
  return Buffer.concat([length(65_535), good, randomOctets(random, 65_535 - good.length)]);
}

/** One connection: the octets, in one write or two, then FIN, which the daemon must answer with its own, or a reset. */
async function sendStream(daemon: Daemon, random: Random): Promise<void> {
  const octets = malformedStream(random);
  const client = await TcpClient.connect(daemon.address);
  try {
    const cut = below(random, octets.length + 1);
    client.write(octets.subarray(0, cut));
    client.write(octets.subarray(cut));
    if (random() < 0.1) {
      client.reset();
      return;
    }
    client.halfClose();
    await client.ended();
    for (const { octets: reply } of client.received) assertWellFormed(reply);
  } finally {
    client.close();
  }
}

async function sendStreams(daemon: Daemon, count: number, random: Random): Promise<void> {
  const good = await TcpClient.connect(daemon.address);
  try {
    for (let left = count; left > 0; left -= 50) {
      await Promise.all(Array.from({ length: 50 }, () => sendStream(daemon, random)));
      assert.equal(rcodeOf((await good.ask(GOOD)).octets), 3, 'a good query beside them');
    }
  } finally {
    good.close();
  }
}

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`queries that are none: ${backend}`, async (t) => {
    const random = seededRandom(SEED);
    const upstream = await RawUpstream.start(t, nothing);
    const daemon = await startDaemon(t, {
      backend,
      args: ['-udp-backend', backend],
      corefile: ({ dns }) => `.:${dns} {
        bind 127.0.0.1
        cache {
          denial 1000
        }
        forward . 127.0.0.1:${upstream.port}
      }`,
    });
    const { pid } = daemon;
    const volleys = await Volleys.open(t, daemon.ports.dns);
    const { datagrams, single, streams } = LOADS[backend];
    const startedAt = performance.now();
    await fire(volleys, datagrams / 5, VOLLEY, random);
    const warmMib = residentMib(pid);
    const rcodes = await fire(volleys, (datagrams * 4) / 5, VOLLEY, random);
    await fire(volleys, single, 1, random);
    t.diagnostic(`rcodes ${rcodes.join(' ')}; ${Math.round(performance.now() - startedAt)} ms`);
    await sendStreams(daemon, streams, random);
    const grownMib = residentMib(pid) - warmMib;
    t.diagnostic(
      `${Math.round(performance.now() - startedAt)} ms with TCP; ${warmMib.toFixed(0)} MiB, then ${grownMib.toFixed(1)} more`,
    );
    assert.ok(grownMib < GROWTH_MIB_MAX, `${grownMib} MiB more`);
    await assertUnbroken(daemon);
  });
}
