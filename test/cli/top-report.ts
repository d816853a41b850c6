/** A `Top` as a busy node has it, for tests of what shows it. */
import type { Top } from '../../src/control/top-report.ts';

/** Markup, an escape sequence as `nameToText` leaves it, and one that no daemon would send. */
export const HOSTILE_NAMES = [
  '<script>alert\\(1\\)</script>.test.',
  '\\027[31mred.test.',
  '\u001b]0;owned\u0007.test.',
];

const rate = (queriesPerS: number) => ({ queriesPerS, share: queriesPerS / 12_000 });

export const TOP: Top = {
  program: 'zerohop',
  version: '0.1.0',
  host: 'ip-10-0-12-34.eu-central-1.compute.internal',
  at: '2026-11-25T03:04:05.678Z',
  uptimeS: 1_483_200,
  notReady: [],
  windowS: 10,
  queriesPerS: 12_345.6,
  queries: 1_234_567_890,
  cache: {
    hitRatio: 0.9731,
    hitsPerS: 12_013,
    denialHitsPerS: 4200,
    staleHitsPerS: 3.2,
    missesPerS: 332,
    entries: 9984,
    usedBytes: 3_250_586,
    budgetBytes: 8_388_608,
  },
  latency: {
    queries: { count: 123_456, p50: 0.25, p90: 0.25, p99: 4, p999: 64 },
    sampled: { count: 800, p50: 0.02, p90: 0.04, p99: 0.32, p999: null },
  },
  rcodes: [
    { name: 'NOERROR', perS: 8000, share: 0.648 },
    { name: 'NXDOMAIN', perS: 4100, share: 0.332 },
    { name: 'SERVFAIL', perS: 245, share: 0.02 },
  ],
  types: [
    { name: 'A', perS: 6400, share: 0.52 },
    { name: 'AAAA', perS: 5800, share: 0.47 },
    { name: 'SRV', perS: 145, share: 0.01 },
  ],
  saved: { perS: 11_987, total: 1_200_345_678, share: 0.971 },
  upstreams: [
    {
      ...{ zones: ['cluster.local.', 'in-addr.arpa.'] },
      ...{ from: '.', to: '10.96.0.10:53', healthy: true, fails: 0, connections: 2, udpSockets: 0 },
      ...{ outstanding: 3, queued: 0, meanMs: 1.23, p95Ms: 4.1, queryLimit: 128, answersPerS: 320 },
    },
    {
      ...{ zones: ['.'] },
      ...{ from: 'example.org.', to: '[2001:db8:0:1234:5678:9abc:def0:1]:53', healthy: false },
      ...{
        fails: 3,
        connections: 0,
        udpSockets: 4,
        outstanding: 0,
        queued: 0,
        meanMs: 0,
        p95Ms: 0,
      },
      ...{ queryLimit: undefined, answersPerS: 0 },
    },
  ],
  inFlight: { questions: 3, waiters: 5 },
  tcpConnections: 12,
  drops: {
    ...{ receiveQueue: 17, misses: 0, inFlightFull: 0, inFlightUnfair: 4, tcpFull: 0 },
    ...{ tcpUnfair: 0, sendFailures: 0, cacheRefused: 0 },
  },
  history: {
    stepS: 1,
    queriesPerS: Array.from({ length: 300 }, (_, at) => 9000 + 4000 * Math.sin(at / 17)),
    hitRatio: Array.from({ length: 300 }, (_, at) =>
      at < 5 ? null : 0.9 + 0.1 * Math.cos(at / 29),
    ),
  },
  asked: {
    watchedS: 42,
    oneIn: 3,
    names: [
      { name: 'web.default.svc.cluster.local.', type: 'A', ...rate(3210) },
      { name: 'web.default.svc.cluster.local.', type: 'AAAA', ...rate(3198) },
      ...HOSTILE_NAMES.map((name) => ({ name, type: 'A', ...rate(100) })),
      { name: `${'x'.repeat(60)}.${'y'.repeat(60)}.example.org.`, type: 'TYPE65280', ...rate(9.4) },
      ...Array.from({ length: 14 }, (_, at) => ({
        ...{ name: `api-${at}.shop.svc.cluster.local.`, type: 'A' },
        ...rate(60 - 4 * at),
      })),
    ],
    clients: [
      { address: '10.1.2.3', ...rate(5321) },
      { address: '2001:db8:0:1234:5678:9abc:def0:1234', ...rate(411) },
      ...Array.from({ length: 18 }, (_, at) => ({ address: `10.1.7.${at}`, ...rate(90 - at) })),
    ],
  },
  slowest: [
    {
      ...{ name: 'slow.example.org.', type: 'A', rcode: 'SERVFAIL', durationMs: 4000.2 },
      ...{ client: '10.1.2.3', upstream: null, agoS: 75 },
    },
    {
      ...{ name: HOSTILE_NAMES[0]!, type: 'TXT', rcode: 'NOERROR', durationMs: 612.4 },
      ...{ client: '2001:db8:0:1234:5678:9abc:def0:1234', upstream: '10.96.0.10:53', agoS: 3 },
    },
    ...Array.from({ length: 10 }, (_, at) => ({
      ...{ name: `cold-${at}.example.org.`, type: 'AAAA', rcode: 'NOERROR' },
      ...{ durationMs: 80 - at, client: '10.1.2.9', upstream: '10.96.0.10:53', agoS: 200 + at },
    })),
  ],
};

/** Of the first second, when nobody has asked. */
export const IDLE: Top = {
  ...TOP,
  notReady: ['starting'],
  uptimeS: 1,
  windowS: 0,
  queriesPerS: 0,
  queries: 0,
  cache: {
    ...TOP.cache,
    hitRatio: null,
    hitsPerS: 0,
    denialHitsPerS: 0,
    staleHitsPerS: 0,
    missesPerS: 0,
    entries: 0,
    usedBytes: 0,
  },
  latency: {
    queries: { count: 0, p50: null, p90: null, p99: null, p999: null },
    sampled: { count: 0, p50: null, p90: null, p99: null, p999: null },
  },
  rcodes: [],
  types: [],
  saved: { perS: 0, total: 0, share: null },
  upstreams: [],
  drops: {
    ...{ receiveQueue: 0, misses: 0, inFlightFull: 0, inFlightUnfair: 0, tcpFull: 0 },
    ...{ tcpUnfair: 0, sendFailures: 0, cacheRefused: 0 },
  },
  history: { stepS: 1, queriesPerS: [], hitRatio: [] },
  asked: null,
  slowest: null,
};
