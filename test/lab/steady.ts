/**
 * Clients that ask a server on and on while something happens to the node, and what they missed of it.
 */
import type { TestContext } from 'node:test';
import { type Lab, LabNode, type Place } from './lab.ts';
import {
  monotonicUs,
  type Planned,
  type QueryRecord,
  runStub,
  type StubOptions,
  TCP_STUB,
} from './stub.ts';
import { CLUSTER, serviceName } from './zones.ts';

export interface SteadyOptions {
  readonly server: string;
  readonly seconds: number;
  /** Default UDP. */
  readonly transport?: 'udp' | 'tcp';
  /** One socket, and so one source port, for all queries. */
  readonly oneSocket?: boolean;
  /** Of a query. Default 5000, as glibc waits. */
  readonly timeoutMs?: number;
  /** Default 1; 2 on a kept connection of TCP, which may be closed at any time. */
  readonly tries?: number;
}

const QUERIES_PER_S = 50;
/** Under way over TCP when connections are closed. */
export const UNDER_WAY_MAX = 5;
/** Names come again after so many, soon enough to be answered from a cache; so hits and misses are mixed. */
const NAME_COUNT = 150;
const LEAD_US = 300_000;

export class Steady {
  /** As a diagnostic names it. */
  readonly name: string;
  readonly #startAtUs = monotonicUs() + LEAD_US;
  readonly #records: Promise<QueryRecord[]>;

  constructor(lab: Lab, stub: readonly string[], place: Place, options: SteadyOptions) {
    const { server, seconds, transport = 'udp', oneSocket = false, timeoutMs = 5000 } = options;
    const isTcp = transport === 'tcp';
    const { tries = isTcp && oneSocket ? 2 : 1 } = options;
    const schedule = Array.from({ length: seconds * QUERIES_PER_S }, (_, index): Planned => {
      const name = `${serviceName(index % NAME_COUNT)}.svc.${CLUSTER}`;
      return { atUs: (index * 1e6) / QUERIES_PER_S, name };
    });
    const asked = { server, oneSocket, timeoutMs, tries, withSearch: false, aOnly: !isTcp };
    const stubOptions: StubOptions = { ...asked, startAtUs: this.#startAtUs };
    const who = place instanceof LabNode ? 'the host' : 'a pod';
    this.name = `${who} at ${server} ${transport}, ${oneSocket ? 'one socket' : 'a socket a query'}`;
    this.#records = runStub(isTcp ? TCP_STUB : stub, place, schedule, stubOptions, lab.folder).then(
      ({ queries }) => queries.sort((a, b) => a.sentUs - b.sentUs),
    );
    this.#records.catch(() => {}); // `outcome` gives it.
  }

  /** Microseconds since the first query. */
  nowUs(): number {
    return monotonicUs() - this.#startAtUs;
  }

  /** Of queries sent since `fromUs`. */
  async outcome(fromUs = 0): Promise<SteadyOutcome> {
    const queries = (await this.#records).filter(({ sentUs }) => sentUs >= fromUs);
    const lost = queries.filter(({ rcode }) => rcode !== 0);
    const lastLostUs = lost.at(-1)?.sentUs;
    const slowestUs = Math.max(
      ...queries.filter(({ rcode }) => rcode === 0).map((each) => each.latencyUs),
    );
    return {
      asked: queries.length,
      lost: lost.length,
      askedAgain: queries.filter(({ tries }) => tries > 1).length,
      lastLostMs: lastLostUs === undefined ? 0 : (lastLostUs - fromUs) / 1000,
      slowestMs: slowestUs / 1000,
    };
  }
}

export interface SteadyOutcome {
  readonly asked: number;
  readonly lost: number;
  /** Over TCP, those whose connection was closed before the answer. */
  readonly askedAgain: number;
  /** From the beginning to the sending of the last query that was lost; 0: none was. */
  readonly lastLostMs: number;
  readonly slowestMs: number;
}

export function outcomeText(
  { name }: Steady,
  { asked, lost, askedAgain, lastLostMs, slowestMs }: SteadyOutcome,
): string {
  const last = lost === 0 ? '' : `, the last ${Math.round(lastLostMs)} ms after`;
  const again = askedAgain === 0 ? '' : `, ${askedAgain} asked again`;
  return `${name}: ${lost} of ${asked} lost${last}${again}; slowest answer ${slowestMs.toFixed(1)} ms`;
}

/** One line for each client that lost a query; every client's outcome goes to the test's report. */
export async function lossesOf(test: Diagnostic, clients: readonly Steady[]): Promise<string[]> {
  const losses: string[] = [];
  for (const client of clients) {
    const outcome = await client.outcome();
    const text = outcomeText(client, outcome);
    test.diagnostic(text);
    if (outcome.lost > 0) losses.push(text);
  }
  return losses;
}

type Diagnostic = Pick<TestContext, 'diagnostic'>;
