/**
 * The spike's figures as a table of Markdown: one row a figure, one column a way.
 */
import type { Latencies } from './figures.ts';
import type { PacketRate, PhaseFigures, SpikeFigures } from './spike-run.ts';

type Cell = (figures: SpikeFigures) => string;
type PhaseCell = (phase: PhaseFigures) => string;

const PHASE_ROWS: readonly (readonly [string, PhaseCell])[] = [
  ['look-ups', ({ lookups }) => count(lookups.count)],
  ['errors (EAI_AGAIN)', ({ lookups }) => count(lookups.errors)],
  ['look-up: p50 / p99 / p99.9 / slowest', ({ lookups }) => latencies(lookups)],
  ['hit: p50 / p99 / p99.9 / slowest', ({ hits }) => latencies(hits)],
  ['miss: p50 / p99 / p99.9 / slowest', ({ misses }) => latencies(misses)],
  ['packets a second to the VPC resolver', ({ packets }) => rate(packets.sent)],
  ['dropped by its limit', ({ packets }) => rate(packets.dropped)],
  ['packets a second to kube-dns, a node', ({ packets }) => rate(packets.replicas)],
  ['CPU of Zerohop, us a query', ({ zerohopUs }) => (zerohopUs > 0 ? count(zerohopUs) : '-')],
  ['CPU of the machine', ({ cpuShare }) => `${Math.round(cpuShare * 100)} %`],
];

const NAMES: Readonly<Record<SpikeFigures['way'], string>> = {
  direct: 'to the replicas',
  zerohop: 'through Zerohop',
};

/** Times in ms; rates of the interface that sends most, mean and busiest second. */
export function spikeTable(ways: readonly SpikeFigures[]): string {
  return [
    ...phaseTable('the first 5 s: every pod starts', ways, ({ cold }) => cold),
    '',
    ...phaseTable('the spike', ways, ({ spike }) => spike),
  ].join('\n');
}

function phaseTable(
  title: string,
  ways: readonly SpikeFigures[],
  phase: (figures: SpikeFigures) => PhaseFigures,
): string[] {
  const row = (name: string, cell: Cell) => `| ${[name, ...ways.map(cell)].join(' | ')} |`;
  return [
    row(title, ({ way }) => NAMES[way]),
    `|---|${ways.map(() => '--:|').join('')}`,
    ...PHASE_ROWS.map(([name, cell]) => row(name, (figures) => cell(phase(figures)))),
  ];
}

function latencies({ p50, p99, p999, slowest }: Latencies): string {
  return [p50, p99, p999, slowest].map(milliseconds).join(' / ');
}

function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value < 10 ? value.toFixed(2) : count(value);
}

function rate({ mean, peak, sender }: PacketRate): string {
  return mean === 0 && peak === 0 ? '0' : `${count(mean)}, ${count(peak)} at most (${sender})`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
