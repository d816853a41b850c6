/**
 * The stage of a scenario: a client, the daemon as a child process, and an upstream that does what the scenario says.
 * Scenarios know the daemon from outside only: its Corefile, its sockets, its log, its metrics.
 *
 * One daemon serves all acts of a file, so each act has names of its own; what the upstream says about a name is set
 * by `script`, and is one address for every other name.
 */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Daemon, type DaemonPorts, startDaemon } from '../support/daemon.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import type { QueryFields, Reply } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import {
  type Handler,
  ScriptedUpstream,
  type ScriptedUpstreamOptions,
  type UpstreamQuery,
} from '../support/scripted-upstream.ts';

export type Backend = 'mmsg' | 'dgram';

/** Ports that a Corefile names, with that of the upstream. */
export type StagePorts = DaemonPorts & { readonly upstream: number };

export interface StageOptions {
  readonly corefile: (ports: StagePorts) => string;
  readonly upstream?: ScriptedUpstreamOptions;
}

/** What an unscripted name has. */
export const USUAL_ADDRESS = '192.0.2.1';

/** Between two looks at something that no event tells of. */
const LOOK_EVERY_MS = 20;

export class Stage {
  readonly daemon: Daemon;
  readonly upstream: ScriptedUpstream;
  readonly backend: Backend;
  readonly #scripts: Map<string, Handler>;

  private constructor(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    backend: Backend,
    scripts: Map<string, Handler>,
  ) {
    this.daemon = daemon;
    this.upstream = upstream;
    this.backend = backend;
    this.#scripts = scripts;
  }

  /** All is closed when the test ends. */
  static async set(test: TestContext, backend: Backend, options: StageOptions): Promise<Stage> {
    const scripts = new Map<string, Handler>();
    const handler: Handler = (query) => {
      const script = scripts.get(query.question.name.toLowerCase());
      return script ? script(query) : addresses(query, USUAL_ADDRESS);
    };
    const upstream = await ScriptedUpstream.start(test, handler, options.upstream);
    const daemon = await startDaemon(test, {
      backend,
      args: ['-udp-backend', backend],
      corefile: (ports) => options.corefile({ ...ports, upstream: upstream.port }),
    });
    return new Stage(daemon, upstream, backend, scripts);
  }

  /** What the upstream does with queries about a name from now on. */
  script(name: string, handler: Handler): void {
    this.#scripts.set(name.toLowerCase(), handler);
  }

  /** Asks over UDP from a socket of its own. */
  ask(query: QueryFields): Promise<Reply> {
    return udpAsk(this.daemon.address, query);
  }

  askTcp(query: QueryFields): Promise<Reply> {
    return tcpAsk(this.daemon.address, query);
  }

  /** The queries about a name that have come to the upstream, in whatever letter case. */
  asked(name: string): UpstreamQuery[] {
    const lower = name.toLowerCase();
    return this.upstream.queries.filter(({ question }) => question.name.toLowerCase() === lower);
  }

  /**
   * The upstream was asked so often about a name, or oftener because its answers came late: where this process, which is the
   * upstream, or the daemon was stopped for a quarter of a second, the daemon asks again, and counts that.
   */
  async assertAsked(name: string, count: number, message = name): Promise<void> {
    const { length } = this.asked(name);
    const late = length > count ? await this.lateReasks() : 0;
    assert.ok(length >= count && length <= count + late, `${message}: ${length}, not ${count}`);
  }

  /** Questions that the daemon has asked again because their answers were late. */
  async lateReasks(): Promise<number> {
    return (await this.daemon.scrape()).sum('zerohop_upstream_reasks_total', { reason: 'late' });
  }

  /** Resolves when the upstream has been asked so often about a name. */
  whenAsked(name: string, count: number): Promise<void> {
    return until(`${count} queries about ${name}`, () => this.asked(name).length >= count);
  }
}

/** One test for each way in which the daemon serves UDP; they run side by side. */
export function onEachBackend(
  title: string,
  options: StageOptions,
  play: (t: TestContext, stage: Stage) => Promise<void>,
): void {
  suite(title, { concurrency: true }, () => {
    for (const backend of ['mmsg', 'dgram'] as const) {
      test(backend, async (t) => play(t, await Stage.set(t, backend, options)));
    }
  });
}

/** Looks again and again until `holds`: for what time or another process brings about without telling. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = DEADLINE_MS,
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  while (!(await holds())) {
    if (signal.aborted) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

/** The TTLs of all records but OPT, each once. */
export function ttlsOf(reply: Reply): number[] {
  const { answers, authorities, additionals } = reply.decoded;
  const records = [...answers, ...authorities, ...additionals];
  return [...new Set(records.flatMap((record) => ('ttl' in record ? [record.ttl ?? 0] : [])))];
}
