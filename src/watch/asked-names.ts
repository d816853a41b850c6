/**
 * Who asks for what, while somebody watches. A viewer asks again and again and so keeps a lease; when it has gone, responders
 * take no more samples and what was seen is forgotten. Memory is bounded by the sketches, work by the number of samples.
 *
 *   responders -> sample rings --+
 *                                +-> weight of each sample -> sketches of names and of clients -> the heaviest, by decayed weight
 *   node:dgram, node:net: arrived -+
 */

import type { Clock } from '../base/clock.ts';
import { addressText } from '../base/ip-address.ts';
import type { Arrival } from '../server/client.ts';
import { nameSizeAt, type SampleRing } from '../server/sample-ring.ts';
import { lowerName, nameToText } from '../wire/name.ts';
import { u16 } from '../wire/octets.ts';
import { HEADER_SIZE, typeName } from '../wire/registry.ts';
import { SpaceSaving } from './space-saving.ts';

/** Several looks of a viewer that looks every two seconds may fail. */
export const LEASE_MS = 10_000;
const FETCH_INTERVAL_MS = 50;
/** In one fetch, of each responder: 5,000 a second (bench: few-names, `watched`). A ring holds twice as many. */
const SAMPLES_WANTED = 256;
/** Weights halve in seven seconds: what is shown is of the last ten seconds or so. */
const DECAY_MS = 10_000;
/** Whoever has a 500th of the queries is seen; some 100 kB with names of usual length. */
const COUNTERS = 512;

export interface AskedName {
  /** In presentation form, escaped (RFC 1035 §5.1). */
  readonly name: string;
  readonly type: string;
  /** At least so many. */
  readonly queriesPerS: number;
  readonly share: number;
}

export interface AskingClient {
  readonly address: string;
  readonly queriesPerS: number;
  readonly share: number;
}

export interface Asked {
  /** How long the watch has gone on; figures of the first seconds rest on few queries. */
  readonly watchedS: number;
  /** One query in so many is looked at. */
  readonly oneIn: number;
  readonly names: readonly AskedName[];
  readonly clients: readonly AskingClient[];
}

export class AskedNames {
  readonly #clock: Clock;
  readonly #rings: () => readonly SampleRing[];
  readonly #names = new SpaceSaving(COUNTERS);
  readonly #clients = new SpaceSaving(COUNTERS);
  /** Of what does not come through a ring. */
  #arrivalStep = 1;
  #arrivals = 0;
  #timer: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #fetchedAtMs = 0;
  #leaseEndsAtMs = 0;

  constructor(clock: Clock, rings: () => readonly SampleRing[]) {
    this.#clock = clock;
    this.#rings = rings;
  }

  get isWatched(): boolean {
    return this.#timer !== undefined;
  }

  /** Goes on watching, or begins, for `LEASE_MS`. */
  renew(): void {
    const nowMs = this.#clock.nowMs();
    this.#leaseEndsAtMs = nowMs + LEASE_MS;
    if (this.isWatched) return;
    this.#startedAtMs = nowMs;
    this.#fetchedAtMs = nowMs;
    for (const ring of this.#rings()) {
      // What is left of the last watch.
      while (ring.next() !== undefined);
      ring.step = 1;
    }
    this.#timer = setInterval(() => this.#fetch(), FETCH_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const ring of this.#rings()) ring.step = 0;
    this.#names.clear();
    this.#clients.clear();
  }

  /** A query that no responder has seen. */
  arrived({ query, client }: Arrival): void {
    if (!this.isWatched) return;
    this.#arrivals += 1;
    if (this.#arrivals % this.#arrivalStep !== 0) return;
    const size = nameSizeAt(query, HEADER_SIZE, query.length);
    if (size === 0) return;
    const qname = lowerName(query.subarray(HEADER_SIZE, HEADER_SIZE + size));
    const qtype = u16(query, HEADER_SIZE + size);
    this.#add(qname, qtype, client.peer().host, this.#arrivalStep);
  }

  /** The heaviest; undefined while nobody watches. */
  heaviest(count: number): Asked | undefined {
    if (!this.isWatched) return undefined;
    this.#fetch();
    const watchedMs = this.#clock.nowMs() - this.#startedAtMs;
    // What one query a second weighs, had it come all the time.
    const unit = (DECAY_MS / 1000) * (1 - Math.exp(-watchedMs / DECAY_MS));
    const rated = (sketch: SpaceSaving) =>
      sketch.heaviest(count).map(({ key, weight, excess }) => ({
        key,
        queriesPerS: (weight - excess) / unit,
        share: (weight - excess) / sketch.total,
      }));
    return {
      watchedS: Math.round(watchedMs / 1000),
      oneIn: Math.max(this.#arrivalStep, ...this.#rings().map(({ step }) => step)),
      names: rated(this.#names).map(({ key, ...rate }) => ({ ...questionOf(key), ...rate })),
      clients: rated(this.#clients).map(({ key, ...rate }) => ({ address: key, ...rate })),
    };
  }

  #fetch(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#leaseEndsAtMs) {
      this.close();
      return;
    }
    const elapsedMs = nowMs - this.#fetchedAtMs;
    if (elapsedMs <= 0) return;
    this.#fetchedAtMs = nowMs;
    const share = Math.exp(-elapsedMs / DECAY_MS);
    this.#names.decay(share);
    this.#clients.decay(share);
    const fetches = elapsedMs / FETCH_INTERVAL_MS;
    for (const ring of this.#rings()) {
      let weight = 0;
      for (let sample = ring.next(); sample !== undefined; sample = ring.next()) {
        weight += sample.weight;
        this.#add(sample.qname, sample.qtype, addressText(sample.address), sample.weight);
      }
      ring.step = stepFor(weight / fetches);
    }
    this.#arrivalStep = stepFor(this.#arrivals / fetches);
    this.#arrivals = 0;
  }

  #add(qname: Uint8Array, qtype: number, client: string, weight: number): void {
    this.#names.add(keyOf(qname, qtype), weight);
    this.#clients.add(client, weight);
  }
}

function stepFor(queries: number): number {
  return Math.max(1, Math.ceil(queries / SAMPLES_WANTED));
}

/** Cheaper to make than text: the octets of the name and of its type, a character each. */
function keyOf(qname: Uint8Array, qtype: number): string {
  const octets = Buffer.from(qname.buffer, qname.byteOffset, qname.length);
  return octets.toString('latin1') + String.fromCharCode(qtype);
}

function questionOf(key: string): { name: string; type: string } {
  const qname = Buffer.from(key.slice(0, -1), 'latin1');
  return { name: nameToText(qname), type: typeName(key.charCodeAt(key.length - 1)) };
}
