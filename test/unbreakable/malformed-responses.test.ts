/**
 * Upstreams that answer with what is no answer, over UDP and TCP, on both ways in which the daemon serves UDP: each client gets a
 * well-formed reply, SERVFAIL where there is nothing better, and never FORMERR, for its question was none of the faults.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../bench/load/random.ts';
import { below, mutated, pick, type Random, randomOctets } from '../fuzz/mutations.ts';
import { startDaemon } from '../support/daemon.ts';
import { encodeQuery, FLAG } from '../support/messages.ts';
import { corpus } from '../wire/corpus.ts';
import { buildResponse, endOfQuestion, optRecord, type RecordFields } from '../wire/responses.ts';
import {
  assertUnbroken,
  assertWellFormed,
  isAnswered,
  RawUpstream,
  rcodeOf,
  residentMib,
  Volleys,
} from './malformed-load.ts';

const SEED = 20_261_124;
const VOLLEY = 200;
/** Beyond what is resident after a fifth of the load: V8’s heap, and pages of the cache.. */
const GROWTH_MIB_MAX = 64;
/**
 * A query whose answer fits neither its id nor its question waits so long; a good one never does, also where
 * this process is stopped.
 */
const READ_TIMEOUT_MS = 1500;

const LOADS = {
  mmsg: { questions: 10_000, single: 100 },
  dgram: { questions: 2500, single: 50 },
} as const;

/** Names asked about are as long as this one, so that pointers in answers lead where they should. */
const NAME = nameOf('poor', 0, 'udp');
const QUESTION_END = endOfQuestion(NAME);
const RECORDS: readonly RecordFields[] = [
  { section: 0, owner: NAME, type: 5, ttlS: 30, rdata: [{ name: 'web.example.org' }] },
  { section: 0, owner: 'web.example.org', type: 1, ttlS: 30, rdata: [[192, 0, 2, 1]] },
  { section: 0, owner: 'web.example.org', type: 28, ttlS: 30, rdata: [new Array(16).fill(1)] },
  { section: 0, owner: NAME, type: 15, ttlS: 30, rdata: [[0, 10], { name: 'mail.example.org' }] },
  {
    section: 0,
    owner: NAME,
    type: 33,
    ttlS: 30,
    rdata: [[0, 0, 0, 0, 0, 53], { name: 'a.web.example.org' }],
  },
  { section: 0, owner: NAME, type: 16, ttlS: 30, rdata: [[3, 97, 98, 99]] },
  {
    section: 0,
    owner: NAME,
    type: 35,
    ttlS: 30,
    rdata: [[0, 1, 0, 1, 1, 115, 0, 0], { name: 'n.example.org' }],
  },
  {
    section: 1,
    owner: 'example.org',
    type: 6,
    ttlS: 5,
    rdata: [{ name: 'ns.example.org' }, { name: 'mbox.example.org' }, new Array(20).fill(0)],
  },
  {
    section: 1,
    owner: 'example.org',
    type: 46,
    ttlS: 5,
    rdata: [new Array(18).fill(1), { name: 'example.org' }, [1, 2, 3]],
  },
  { section: 2, owner: 'ns.example.org', type: 1, ttlS: 30, rdata: [[192, 0, 2, 53]] },
  optRecord(0, 0x8000),
];
const SAMPLES = corpus()
  .map(({ message }) => message)
  .filter(({ length }) => length > 12);

/** Header and records of a message about NAME, and mutations of it. */
function malformed(random: Random): Uint8Array {
  if (random() < 0.1) return randomOctets(random, 12 + below(random, 400));
  if (SAMPLES.length > 0 && random() < 0.3) return pick(random, SAMPLES).subarray(0, 60_000);
  const records = RECORDS.filter(() => random() < 0.5);
  const whole = buildResponse({ name: NAME, records });
  const behind = whole.subarray(QUESTION_END);
  const start = whole.slice(0, QUESTION_END);
  if (random() < 0.1) start[5 + 2 * below(random, 4)]! ^= 1;
  return Buffer.concat([start, random() < 0.2 ? behind : mutated(behind, random)]);
}

/** The message behind the query's own id and question; its flags and counts stay, but never say FORMERR. */
function asAnswer(query: Buffer, message: Uint8Array): Buffer {
  const question = query.subarray(12, query.length - 11);
  const reply = Buffer.concat([message.subarray(0, 12), question, message.subarray(QUESTION_END)]);
  query.copy(reply, 0, 0, 2);
  const flags = reply.readUInt16BE(2);
  const rcode = (flags & 0x0f) === 1 ? 0 : flags & 0x0f;
  reply.writeUInt16BE(FLAG.QR | (flags & 0x0790) | rcode, 2);
  reply.writeUInt16BE(1, 4);
  return reply.subarray(0, 65_507);
}

function goodAnswer(query: Buffer): Buffer {
  const address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1];
  const end = query.length - 11;
  const reply = Buffer.concat([query.subarray(0, end), Uint8Array.from(address)]);
  reply.writeUInt16BE(FLAG.QR | FLAG.RD | FLAG.RA, 2);
  reply.set([0, 1, 0, 0, 0, 0], 6);
  return reply;
}

/** Half of the answers about names that say so fit neither id nor question. */
function answererOf(random: Random): (query: Buffer) => Uint8Array {
  return (query) => {
    if (query.includes('good')) return goodAnswer(query);
    const message = malformed(random);
    return query.includes('odds') && random() < 0.5 ? message : asAnswer(query, message);
  };
}

let asked = 0;

/** A label of four letters, a number, a zone of three letters: `poor-000017.udp.example`. */
function nameOf(label: string, number: number, zone: string): string {
  return `${label}-${String(number).padStart(6, '0')}.${zone}.example`;
}

function question(label: string, random: Random): Buffer {
  const type = pick(random, ['A', 'AAAA', 'MX', 'SRV', 'TXT', 'ANY']);
  const edns = { edns: { size: pick(random, [512, 1232, 4096]), dnssecOk: random() < 0.5 } };
  const name = nameOf(label, asked++, pick(random, ['udp', 'tcp']));
  return encodeQuery({ name, type, ...(random() < 0.5 ? edns : {}) });
}

/** Asks about names with this label in volleys; the rcodes that came back, and how often. */
async function ask(
  volleys: Volleys,
  label: 'poor' | 'odds',
  count: number,
  volley: number,
  random: Random,
) {
  const rcodes = new Array<number>(16).fill(0);
  for (let number = 1; number * volley <= count; number++) {
    const questions = Array.from({ length: volley }, () => question(label, random));
    const good = encodeQuery({ name: nameOf('good', asked++, pick(random, ['udp', 'tcp'])) });
    const replies = await volleys.send([...questions, good], isAnswered);
    const last = replies.pop()!;
    assert.deepEqual([rcodeOf(last), last.readUInt16BE(6)], [0, 1], 'a good answer besides them');
    for (const reply of replies) {
      assertWellFormed(reply!);
      rcodes[rcodeOf(reply!)]! += 1;
    }
  }
  assert.equal(rcodes[1], 0, 'FORMERR for an upstream’s fault');
  return rcodes;
}

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`answers that are none: ${backend}`, async (t) => {
    const random = seededRandom(SEED);
    const upstream = await RawUpstream.start(t, answererOf(random));
    const zone = (name: string, port: number, option: string) => `${name}.example:${port} {
      bind 127.0.0.1
      cache {
        success 1000
        denial 1000
      }
      forward . 127.0.0.1:${upstream.port} {
        ${option}
        max_connect_attempts 1
        max_fails 0
        read_timeout ${READ_TIMEOUT_MS}ms
      }
    }`;
    const daemon = await startDaemon(t, {
      backend,
      args: ['-udp-backend', backend],
      corefile: ({ dns }) => `${zone('udp', dns, 'prefer_udp')}\n${zone('tcp', dns, 'force_tcp')}`,
    });
    const volleys = await Volleys.open(t, daemon.ports.dns);
    const { questions, single } = LOADS[backend];
    const startedAt = performance.now();
    await ask(volleys, 'poor', questions / 5, VOLLEY, random);
    const warmMib = residentMib(daemon.pid);
    const rcodes = await ask(volleys, 'poor', (questions * 4) / 5, VOLLEY, random);
    await ask(volleys, 'poor', single, 1, random);
    await ask(volleys, 'odds', VOLLEY, VOLLEY, random);
    await ask(volleys, 'odds', 2, 1, random);
    const grownMib = residentMib(daemon.pid) - warmMib;
    t.diagnostic(`rcodes ${rcodes.join(' ')}; ${Math.round(performance.now() - startedAt)} ms`);
    t.diagnostic(`${warmMib.toFixed(0)} MiB, then ${grownMib.toFixed(1)} more`);
    assert.ok(grownMib < GROWTH_MIB_MAX, `${grownMib} MiB more`);
    await assertUnbroken(daemon);
  });
}
