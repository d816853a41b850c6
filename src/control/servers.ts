/**
 * The way from a generation to the services: sockets, plans, then what is left of the generation before. An order in which no
 * query is lost or late: a socket is opened when there is somebody who reads it, new listeners are open before the new plan names
 * them, the resolver knows a block before a responder can send a miss for it, and what is old goes when nobody works by it
 * any more.
 */
import type { Clock } from '../base/clock.ts';
import type { CacheStore } from '../cache/store.ts';
import type { TimeoutOptions } from '../directives/timeouts.ts';
import type { Listener } from '../server/client.ts';
import type { ClientService } from '../server/client-service.ts';
import type { Resolver } from '../server/resolver.ts';
import { closeChain } from './chain.ts';
import { closeOwnChains, type Generation } from './generation.ts';

export interface ServersDependencies {
  readonly clock: Clock;
  readonly store: CacheStore;
  readonly clients: ClientService;
  readonly resolver: Resolver;
  /** Called before sockets are opened. */
  readonly onOpening: () => void;
}

export class Servers {
  readonly #deps: ServersDependencies;
  #generation: Generation | undefined;

  constructor(deps: ServersDependencies) {
    this.#deps = deps;
  }

  get generation(): Generation | undefined {
    return this.#generation;
  }

  /** Serves by `next`; rejects where an address cannot be bound, and goes on as before then. */
  async serve(next: Generation): Promise<void> {
    const { store, clients, resolver, onOpening } = this.#deps;
    await clients.ready();
    const before = this.#generation;
    for (const { block } of next.blocks) {
      if (block.parts.cache) store.openBlock(block.parts.number, block.parts.cache);
    }
    resolver.apply(union(before, next));
    onOpening();
    try {
      await clients.serve(next.listeners, next.plan, (listener) => timeoutsOf(next, listener));
    } catch (error) {
      if (before) resolver.apply(before.plan);
      this.#drop(next, before);
      throw error;
    }
    resolver.apply(next.plan);
    this.#generation = next;
    if (before) this.#drop(before, next);
  }

  /** Answers what is under way, then closes everything. */
  async close(graceMs: number): Promise<void> {
    const { clients, resolver } = this.#deps;
    await clients.close(graceMs, (timeoutMs) => resolver.whenIdle(timeoutMs));
    for (const { chain } of this.#generation?.blocks ?? []) closeChain(chain);
  }

  /** Gives up what `gone` has and `kept` has not. */
  #drop(gone: Generation, kept: Generation | undefined): void {
    const keptNumbers = new Set(kept?.plan.blocks.keys());
    for (const number of gone.plan.blocks.keys()) {
      if (!keptNumbers.has(number)) this.#deps.store.closeBlock(number);
    }
    closeOwnChains(gone.blocks, kept);
  }
}

/** Both plans at once, for the time in which responders change from one to the other; the new one wins. */
function union(before: Generation | undefined, next: Generation): Generation['plan'] {
  if (before === undefined) return next.plan;
  const both = (protocol: 'udp' | 'tcp') => ({
    listeners: { ...before.plan[protocol].listeners, ...next.plan[protocol].listeners },
  });
  return {
    udp: both('udp'),
    tcp: both('tcp'),
    blocks: new Map([...before.plan.blocks, ...next.plan.blocks]),
  };
}

/** The `timeouts` of the first block at a listener, as in CoreDNS. */
function timeoutsOf({ blocks }: Generation, listener: Listener): TimeoutOptions {
  return blocks.find(({ listeners }) => listeners.includes(listener))!.config.timeouts;
}
