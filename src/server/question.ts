/** Between a client's query, the key it has in the cache, and the question that the stages of a chain are asked. */
import { CacheKey, finishKey, type HashSeed, KEY_FLAG } from '../cache/key.ts';
import type { Asker, HostPort, Next, Question } from '../directives/resolution.ts';
import type { Octets } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT } from '../wire/query.ts';
import { buildUpstreamQuery } from '../wire/reply.ts';
import type { Arrival, Client } from './client.ts';
import { chooseZone, type ListenerPlan, type ZonePlan } from './plan.ts';

/** A client as the stages see it. */
export class ArrivalAsker implements Asker {
  readonly #arrival: Arrival;
  readonly #localOf: (listener: number) => HostPort;

  constructor(arrival: Arrival, localOf: (listener: number) => HostPort) {
    this.#arrival = arrival;
    this.#localOf = localOf;
  }

  get query(): Octets {
    return this.#arrival.query;
  }

  peer(): HostPort {
    return this.#arrival.client.peer();
  }

  local(): HostPort {
    return this.#localOf(this.#arrival.listener);
  }
}

/** Nobody: in whose name a refresh asks. */
const NOBODY: Client = {
  protocol: 'udp',
  source: '',
  replySizeMax: 0,
  peer: () => ({ host: '', port: 0 }),
  send: () => {},
  drop: () => {},
};

/** What stands for a client's query where there is none. */
export function refreshArrival(listener: number, nowMs: number): Arrival {
  return { query: new Uint8Array(0), client: NOBODY, listener, receivedAtMs: nowMs };
}

export interface QuestionOrigin {
  readonly opcode: number;
  readonly transport: 'udp' | 'tcp';
  readonly asker: Asker | undefined;
  readonly askAgain: Next;
}

/** The question that a key stands for. */
export function questionOf(
  key: CacheKey,
  { opcode, transport, asker, askAgain }: QuestionOrigin,
): Question {
  const { flags } = key;
  return {
    qname: key.octets.slice(0, key.qnameSize),
    qtype: key.qtype,
    qclass: key.qclass,
    opcode,
    rd: (flags & KEY_FLAG.RD) !== 0,
    cd: (flags & KEY_FLAG.CD) !== 0,
    dnssecOk: (flags & KEY_FLAG.DO) !== 0,
    transport,
    asker,
    askAgain,
  };
}

/** The key of a question that a stage asks, in `key`. */
export function keyOfQuestion(
  question: Question,
  block: number,
  seed: HashSeed,
  key = new CacheKey(),
): CacheKey {
  const { qname, qtype, qclass, rd, cd, dnssecOk } = question;
  // The name's last word is padded with zeros.
  key.words[(qname.length - 1) >> 2] = 0;
  key.octets.set(qname);
  key.size = Math.ceil(qname.length / 4) + 2;
  const flags = (dnssecOk ? KEY_FLAG.DO : 0) | (cd ? KEY_FLAG.CD : 0) | (rd ? KEY_FLAG.RD : 0);
  finishKey(key, { qtype, qclass, qnameSize: qname.length }, block, flags, seed);
  return key;
}

/** The zone that serves a stage's question; undefined: none does. */
export function zoneOf(
  question: Question,
  plan: ListenerPlan,
  seed: HashSeed,
): ZonePlan | undefined {
  const fields = new QueryFields();
  const query = buildUpstreamQuery(question, 0);
  if (readQuery(query, 0, query.length, fields) !== VERDICT.ACCEPT) return undefined;
  return chooseZone(plan, fields, keyOfQuestion(question, 0, seed));
}
