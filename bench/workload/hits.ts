/**
 * Cached names: what a query costs when the answer is there. 200 names are a working set as a node's pods have it; 10,000 by
 * Zipf's law are one that fills a cache of the stock size.
 */
import type { Question } from '../load/questions.ts';
import { lengthFlags, type Scale, scaled, type Workload } from './workload.ts';

const FEW_NAMES = 200;
const MANY_NAMES = 10_000;
/** Enough in flight that a server is never idle: peak rate, and the cost of a query where batches are large. */
const WINDOW = 128;
/** A busy node. */
export const BUSY_PER_SECOND = 20_000;
/** Below what one core of the slowest server takes over TCP. */
const TCP_PER_SECOND = 5000;
/** Persistent connections, as a node's pods with `use-vc` hold them. */
const TCP_CONNECTIONS = 50;

/** Where a stub looks for a name with fewer than five dots (`ndots:5`), before it asks for the name itself. */
const SEARCH_PATH = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const SEARCHED_HOSTS = 100;

export function hitWorkloads(scale: Scale): Workload[] {
  return [...closedWorkloads(scale), ...pacedWorkloads(scale)];
}

/** So many queries in flight that a server is never idle. */
function closedWorkloads(scale: Scale): Workload[] {
  const lengths = lengthFlags(scale);
  const few = [...lengths, `--names=${FEW_NAMES}`, '--prime'];
  const many = [...lengths, `--names=${scaled(scale, MANY_NAMES)}`, '--prime', '--order=zipf'];
  const closed = `--window=${WINDOW}`;
  const common = { kind: 'hits', seconds: scale.seconds } as const;
  return [
    {
      ...common,
      name: 'one-name',
      title: `one name, closed window of ${WINDOW}`,
      servers: 'echo',
      loads: () => [{ flags: [...lengths, '--names=1', '--prime', closed] }],
    },
    {
      ...common,
      name: 'few-names',
      title: `${FEW_NAMES} names, closed window of ${WINDOW}`,
      servers: 'echo and all',
      loads: () => [{ flags: [...few, closed] }],
    },
    {
      ...common,
      name: 'few-names-edns',
      title: `${FEW_NAMES} names with EDNS, closed window of ${WINDOW}`,
      servers: 'echo and few',
      loads: () => [{ flags: [...few, closed, '--edns'] }],
    },
    {
      ...common,
      name: 'few-names-dnsperf',
      title: `${FEW_NAMES} names, closed window of ${WINDOW}, asked by dnsperf`,
      servers: 'echo',
      isWitnessed: true,
      loads: () => [],
    },
    {
      ...common,
      name: 'zipf-10k',
      title: `10,000 names by Zipf's law, closed window of ${WINDOW}`,
      servers: 'echo and all',
      loads: () => [{ flags: [...many, closed] }],
    },
    {
      ...common,
      name: 'search-path',
      title: `ndots:5 search path, closed window of ${WINDOW}`,
      servers: 'few',
      loads: () => [
        { flags: [...lengths, '--prime', '--order=cycle', closed], questions: searched() },
      ],
    },
  ];
}

/** One query at a time, or so many a second. */
function pacedWorkloads(scale: Scale): Workload[] {
  const lengths = lengthFlags(scale);
  const few = [...lengths, `--names=${FEW_NAMES}`, '--prime'];
  const busy = `--rate=${scaled(scale, BUSY_PER_SECOND)}`;
  const common = { kind: 'hits', seconds: scale.seconds } as const;
  return [
    {
      // The load's core does nothing else: polling shows the server's latency without the waking of a client.
      ...common,
      name: 'steady',
      title: `${FEW_NAMES} names, 20,000 a second`,
      servers: 'echo and few',
      loads: () => [{ flags: [...few, busy, '--spin'] }],
    },
    {
      // The pair that tells what a fetch of the metrics adds. Who fetches needs the load's core too, hence no polling.
      ...common,
      name: 'not-scraped',
      title: `${FEW_NAMES} names, 20,000 a second, a load that sleeps`,
      servers: 'daemon',
      loads: () => [{ flags: [...few, busy] }],
    },
    {
      ...common,
      name: 'scraped',
      title: `the same, metrics fetched 4 times a second`,
      servers: 'daemon',
      isScraped: true,
      loads: () => [{ flags: [...few, busy] }],
    },
    {
      ...common,
      name: 'one-at-a-time',
      title: 'one query at a time',
      servers: 'echo and few',
      loads: () => [{ flags: [...few, '--window=1', '--channels=1', '--spin'] }],
    },
    {
      ...common,
      name: 'tcp',
      title: `TCP, ${TCP_CONNECTIONS} persistent connections, 5,000 a second`,
      servers: 'all',
      loads: () => [
        {
          flags: [
            ...few,
            '--tcp',
            `--channels=${TCP_CONNECTIONS}`,
            `--rate=${scaled(scale, TCP_PER_SECOND)}`,
          ],
        },
      ],
    },
  ];
}

/** A and AAAA of each guess, and at last of the name: what glibc asks for one look-up. */
function searched(): Question[] {
  const hosts = Array.from({ length: SEARCHED_HOSTS }, (_, host) => `host${host}.example.org`);
  return hosts.flatMap((host) => [
    ...SEARCH_PATH.flatMap((suffix) =>
      ['A', 'AAAA'].map((type) => ({ name: `${host}.${suffix}`, type, outcome: 'NXDOMAIN' })),
    ),
    { name: host, type: 'A', outcome: 'NOERROR' },
    { name: host, type: 'AAAA', outcome: 'NODATA' },
  ]);
}
