/**
 * A forward with CoreDNS's defaults, and an observer that counts.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import type { UpstreamFailure, UpstreamResult } from '../../src/upstream/failure.ts';
import { Forward } from '../../src/upstream/forward.ts';
import type { HostLookUp } from '../../src/upstream/host-look-up.ts';
import type { UpstreamObserver } from '../../src/upstream/observer.ts';
import type { Endpoint, ForwardOptions } from '../../src/upstream/options.ts';
import { createRunningClock } from '../support/running-clock.ts';
import { type Behaviour, queryFor, TestServer } from './support-server.ts';

/** Of forwards. Their servers are in this process too, and stand still with it. */
export const clock = createRunningClock();

/** Resolves once so much has passed on it. */
export async function passed(ms: number): Promise<void> {
  const endMs = clock.nowMs() + ms;
  for (let leftMs = ms; leftMs > 0; leftMs = endMs - clock.nowMs()) await pause(Math.ceil(leftMs));
}

export function endpoint(port: number, overrides: Partial<Endpoint> = {}): Endpoint {
  return {
    transport: 'dns',
    host: '127.0.0.1',
    port,
    serverName: undefined,
    path: undefined,
    ...overrides,
  };
}

export function forwardOptions(overrides: Partial<ForwardOptions> = {}): ForwardOptions {
  return {
    from: '.',
    to: [],
    except: [],
    protocol: 'client',
    expireMs: 10_000,
    maxFails: 2,
    maxConnectAttempts: 0,
    tls: { caPath: undefined, certPath: undefined, keyPath: undefined, serverName: undefined },
    policy: 'sequential',
    healthCheckIntervalMs: 500,
    healthCheckRecursionDesired: true,
    healthCheckDomain: '.',
    maxConcurrent: 0,
    next: [],
    nextOnNodata: false,
    failfastAllUnhealthy: false,
    failover: [],
    maxAgeMs: 0,
    maxIdleConns: 0,
    readTimeoutMs: 2000,
    sourceAddress: undefined,
    dohMethod: 'POST',
    resolvers: [],
    resolvConf: [],
    ...overrides,
  };
}

/** Every event of an observer as a line: its name and its arguments. */
export class Events {
  readonly lines: string[] = [];
  readonly #waiting: { pattern: RegExp; resolve: () => void }[] = [];
  readonly observer: UpstreamObserver;

  constructor() {
    const record =
      (name: string) =>
      (...values: unknown[]) =>
        this.#add([name, ...values].join(' '));
    this.observer = new Proxy({} as UpstreamObserver, {
      get: (_target, name) => record(String(name)),
    });
  }

  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** Resolves at the next line that matches. */
  next(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ pattern, resolve }));
  }

  #add(line: string): void {
    this.lines.push(line);
    for (const waiting of this.#waiting.filter(({ pattern }) => pattern.test(line))) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }
}

/** A forward to `to`; closed after the test. */
export function openForward(
  t: TestContext,
  to: readonly (TestServer | number | Endpoint)[],
  overrides: Partial<ForwardOptions> = {},
  lookUp?: HostLookUp,
  ownClock: Clock = clock,
): { forward: Forward; events: Events } {
  const events = new Events();
  const endpoints = to.map((target) => {
    if (target instanceof TestServer) return endpoint(target.port);
    return typeof target === 'number' ? endpoint(target) : target;
  });
  const log = createLog(() => {});
  const forward = new Forward(forwardOptions({ to: endpoints, ...overrides }), {
    clock: ownClock,
    log,
    observer: events.observer,
    ...(lookUp ? { lookUp } : {}),
  });
  t.after(() => forward.close());
  return { forward, events };
}

/** A server; closed after the test. */
export async function openServer(t: TestContext, behaviour: Behaviour = {}): Promise<TestServer> {
  const server = await TestServer.start(behaviour);
  t.after(() => server.close());
  return server;
}

/** Asks for `count` names at once: `q0.example.org.` and so on. */
export function askMany(
  forward: Forward,
  count: number,
  transport: 'udp' | 'tcp' = 'tcp',
): Promise<UpstreamResult[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      forward.exchange(queryFor(`q${index}.example.org.`), { transport }),
    ),
  );
}

export function assertAnswered(
  result: UpstreamResult,
): asserts result is Extract<UpstreamResult, { ok: true }> {
  assert(result.ok, `failed: ${JSON.stringify(result)}`);
}

export function failureOf(result: UpstreamResult): UpstreamFailure {
  assert(!result.ok, 'it failed');
  return result.failure;
}
