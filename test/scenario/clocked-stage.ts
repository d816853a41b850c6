/**
 * The stage of a scenario in which hours pass: the resolver with its cache in this process, octets in and octets out, with a clock
 * that is turned by hand. What stands behind the cache is a script in the place of `forward`; all else is what the daemon has:
 * the Corefile's parser, the answerer of the responders, the in-flight table, admission, replies.
 *
 * The daemon itself takes no clock from outside. It has no use for one, and a way to turn the time of a running resolver is a way
 * to break it; what needs sockets, threads and real time is in the scenarios over `stage.ts`.
 */
import assert from 'node:assert/strict';
import * as dnsPacket from 'dns-packet';
import { createLog } from '../../src/base/log.ts';
import { CacheStore } from '../../src/cache/store.ts';
import type { Question, Resolution, Stage } from '../../src/directives/resolution.ts';
import { CounterRows, counterBytes } from '../../src/metrics/counter-rows.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { Answerer } from '../../src/server/answer.ts';
import { Block } from '../../src/server/block.ts';
import { Replies } from '../../src/server/replies.ts';
import { Resolver } from '../../src/server/resolver.ts';
import { HEADER_SIZE, MESSAGE_SIZE_MAX, RCODE } from '../../src/wire/registry.ts';
import { buildUpstreamQuery } from '../../src/wire/reply.ts';
import { readResponse } from '../../src/wire/response.ts';
import { sharedMemory } from '../cache/fixtures.ts';
import { configOf } from '../directives/server-block.ts';
import { zonePlan } from '../server/answerer-fixture.ts';
import { within } from '../support/deadline.ts';
import { decodeMessage, encodeQuery, type QueryInput, Reply } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import type { UpstreamQuery } from '../support/scripted-upstream.ts';

/** What the upstream says; `dead`: nothing in time. */
export type Outcome = dnsPacket.Packet | 'dead';
export type Script = (query: UpstreamQuery) => Outcome | Promise<Outcome>;

/** Like everything that counts from the start of a machine, not 0. */
const START_MS = 1_000_000;
/** 2026-01-01, what signatures are held against. */
export const START_S = 1_767_225_600;
const SEED = { low: 0x5eed, high: 0x0dd };
const BLOCK = 1;
const LISTENER = 1;
const ROW_COUNT = 3;
const SERVER = 'dns://127.0.0.1:53';

export class ClockedStage {
  readonly #store: CacheStore;
  readonly #resolver: Resolver;
  readonly #metrics: Metrics;
  readonly #scripts = new Map<string, Script>();
  readonly #queries: UpstreamQuery[] = [];
  #nowMs = START_MS;

  /** A server block for all names that holds these lines, `cache` among them. */
  constructor(lines: string) {
    const config = configOf(`${lines}\nforward . 192.0.2.53`);
    assert(config.cache !== undefined, 'a stage for what is cached');
    const memory = sharedMemory({
      slotCount: 8192,
      bucketCount: 1024,
      unitCount: 65_536,
      readerCount: 1,
      counterBytes: counterBytes(ROW_COUNT, 1),
    });
    const counters = memory.words.subarray(memory.countersAt);
    const rows = new CounterRows(counters, ROW_COUNT, 1);
    this.#metrics = new Metrics(rows, { version: '', revision: '' });
    this.#store = new CacheStore(memory);
    this.#store.openBlock(BLOCK, config.cache);
    this.#resolver = this.#createResolver();
    const labels = { server: SERVER, cacheZones: '.', isReported: true } as const;
    const plan = (protocol: 'udp' | 'tcp') => {
      const row = rows.open({ ...labels, zone: '.', protocol, family: 1 }) as number;
      const zones = [zonePlan('', { block: BLOCK, row, takesAnyClass: true })];
      return { listeners: { [LISTENER]: { zones, droppedRow: 2 } } };
    };
    const block = new Block({
      number: BLOCK,
      cache: config.cache,
      front: [],
      stages: [this.#upstream()],
      observers: [],
      loop: undefined,
      isEmpty: false,
    });
    this.#resolver.apply({ udp: plan('udp'), tcp: plan('tcp'), blocks: new Map([[BLOCK, block]]) });
  }

  /** Turns the clock. */
  passes(seconds: number): void {
    this.#nowMs += seconds * 1000;
  }

  /** What the upstream says about a name from now on; by default it is one address. */
  script(name: string, script: Script): void {
    this.#scripts.set(name.toLowerCase(), script);
  }

  /** The queries about a name that have come to the upstream. */
  asked(name: string): number {
    return this.#queries.filter(({ question }) => question.name.toLowerCase() === name).length;
  }

  get queries(): readonly UpstreamQuery[] {
    return this.#queries;
  }

  /** A client's query over UDP, and its reply. */
  ask(input: QueryInput, protocol: 'udp' | 'tcp' = 'udp'): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#resolver.serve({
      query: encodeQuery(input),
      listener: LISTENER,
      receivedAtMs: this.#nowMs,
      client: {
        protocol,
        source: '127.0.0.1',
        replySizeMax: MESSAGE_SIZE_MAX,
        peer: () => ({ host: '127.0.0.1', port: 1053 }),
        send: (reply) => resolve(new Reply(Buffer.from(reply))),
        drop: () => reject(new Error('no reply')),
      },
    });
    return within(promise, 'reply');
  }

  /** Waits until nothing is under way: refreshes that no client waits for. */
  async settles(): Promise<void> {
    await this.#resolver.whenIdle(60_000);
    await new Promise(setImmediate);
    assert.equal(this.#resolver.inFlight.questionCount, 0);
  }

  /** The value of a counter of the cache. */
  counted(series: string): number {
    this.#metrics.fold();
    const family = Object.values(this.#metrics.families).find(({ name }) => name === series)!;
    return family.get().values.reduce((sum, { value }) => sum + value, 0);
  }

  #createResolver(): Resolver {
    const { memory } = this.#store;
    const answerer = (isStream: boolean) =>
      new Answerer(memory, {
        reader: 0,
        rowCount: ROW_COUNT,
        hashSeed: SEED,
        bufferSize: MESSAGE_SIZE_MAX,
        batchMax: 1,
        isStream,
        answersIndirect: true,
      });
    const nowMs = () => this.#nowMs;
    const localOf = () => ({ host: '127.0.0.1', port: 53 });
    return new Resolver({
      clock: { nowMs },
      store: this.#store,
      hashSeed: SEED,
      inFlight: { questions: 1024, waiters: 4096 },
      udpAnswerer: answerer(false),
      tcpAnswerer: answerer(true),
      replies: new Replies({
        memory,
        rowCount: ROW_COUNT,
        writer: 0,
        nowMs,
        log: createLog(() => {}),
        countResponse: () => {},
        onPanic: () => assert.fail('a panic'),
        localOf,
      }),
      localOf,
      onRefresh: () => {
        this.#metrics.families.cachePrefetches.cell(SERVER, '.', '').value += 1;
      },
    });
  }

  #upstream(): Stage {
    return { name: 'forward', resolve: (question) => this.#resolve(question) };
  }

  async #resolve(question: Question): Promise<Resolution> {
    const octets = Buffer.from(buildUpstreamQuery(question, 1232));
    const decoded = decodeMessage(octets);
    const query: UpstreamQuery = {
      octets,
      decoded,
      question: decoded.questions[0]!,
      transport: question.transport,
      connection: 0,
      segment: 0,
    };
    this.#queries.push(query);
    const script = this.#scripts.get(query.question.name.toLowerCase());
    const outcome = script ? await script(query) : addresses(query, '192.0.2.1');
    if (outcome === 'dead') return { ok: false, rcode: RCODE.SERVFAIL, reason: 'i/o timeout' };
    const { id, questions } = decoded;
    const reply = dnsPacket.encode({ id, questions, ...outcome, type: 'response' });
    const questionEnd = HEADER_SIZE + question.qname.length + 4;
    const nowS = START_S + Math.floor((this.#nowMs - START_MS) / 1000);
    const response = readResponse(new Uint8Array(reply), questionEnd, nowS);
    assert(response !== undefined, 'a script that makes sense');
    return { ok: true, response, by: 'forward' };
  }
}

/** One line of a timetable. */
export interface Moment {
  /** Seconds after the start. */
  readonly at: number;
  /** What the upstream says from then on. */
  readonly upstream?: Script;
  /** Letters of the query: D for DO, C for CD. */
  readonly as?: string;
  /** What the client gets: rcode, addresses, TTL of every record. */
  readonly gets: readonly [rcode: string, addresses: readonly string[], ttl: number | undefined];
  /** Queries that the upstream has had when all is quiet again. */
  readonly asked: number;
}

/** Plays a timetable of one name, and reports the line where it goes wrong. */
export async function keepTimetable(lines: string, moments: readonly Moment[]): Promise<void> {
  const name = 'www.example.org';
  const stage = new ClockedStage(lines);
  let nowS = 0;
  for (const { at, upstream, as = '', gets, asked } of moments) {
    stage.passes(at - nowS);
    nowS = at;
    if (upstream) stage.script(name, upstream);
    const flags = 0x100 | (as.includes('C') ? 0x10 : 0);
    const query = as.includes('D') ? { name, flags, edns: { dnssecOk: true } } : { name, flags };
    const reply = await stage.ask(query);
    await stage.settles();
    const { answers, authorities } = reply.decoded;
    const ttls = [...answers, ...authorities].map((record) => ('ttl' in record ? record.ttl : 0));
    const got = [reply.rcode, reply.data('A'), ttls[0]];
    assert.deepEqual(got, gets, `at ${at} s`);
    assert.equal(new Set(ttls).size <= 1, true, `one TTL at ${at} s`);
    assert.equal(stage.asked(name), asked, `queries at ${at} s`);
  }
}
