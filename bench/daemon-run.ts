/**
 * One daemon for a measurement of itself rather than of its speed: on a port of its own, in front of a stand-in upstream within this
 * process that knows every name.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RCODE } from '../src/cli/stand-in/query.ts';
import { emptyReply } from '../src/cli/stand-in/reply.ts';
import { StandIn } from '../src/cli/stand-in/stand-in.ts';
import { freePort } from './ports.ts';
import { type Child, startProcess } from './processes.ts';

export const ROOT = join(import.meta.dirname, '..');
export const SOURCES = join(ROOT, 'src/cli/node-cache');
export const BUILT = join(ROOT, 'dist/cli/node-cache');

const TTL_S = 3600;

export interface Place {
  readonly port: number;
  /** The daemon's flags. */
  readonly flags: readonly string[];
}

export class DaemonRuns {
  readonly #upstream: StandIn;
  readonly #directory = mkdtempSync(join(tmpdir(), 'zerohop-bench-'));

  private constructor(upstream: StandIn) {
    this.#upstream = upstream;
  }

  static async prepare(): Promise<DaemonRuns> {
    const upstream = await StandIn.start({
      override: ({ name }) => ({
        ...emptyReply(RCODE.NOERROR),
        answers: [{ type: 'A', name, ttl: TTL_S, data: '192.0.2.1' }],
      }),
    });
    return new DaemonRuns(upstream);
  }

  /** Ports are found beforehand: they are not part of what is measured. */
  async place(): Promise<Place> {
    const port = await freePort();
    const metricsPort = await freePort();
    const corefile = join(this.#directory, `Corefile.${port}`);
    writeFileSync(
      corefile,
      `.:${port} {
    errors
    cache 3600
    reload
    loop
    bind 127.0.0.1
    forward . 127.0.0.1:${this.#upstream.port} {
        force_tcp
    }
    prometheus 127.0.0.1:${await freePort()}
}
`,
    );
    const flags = [
      ...['-localip', '127.0.0.1', '-conf', corefile, '-basecorefile', '/nowhere/Corefile.base'],
      ...['-metrics-listen-address', `127.0.0.1:${metricsPort}`, '-control-socket='],
      ...['-setupinterface=false', '-setupiptables=false'],
    ];
    return { port, flags };
  }

  start(command: readonly string[], { flags }: Place, environment: NodeJS.ProcessEnv = {}): Child {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return startProcess(['env', ...variables, ...command, ...flags]);
  }

  async close(): Promise<void> {
    await this.#upstream.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A question of type A, with id 1. */
export function question(name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}
