/**
 * What a daemon knows of its own work for people who look: figures, who asks for what, the slowest answers. One in a process,
 * on the resolver's thread; `control` asks it, for each viewer.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Observer } from '../directives/resolution.ts';
import type { CounterRows } from '../metrics/counter-rows.ts';
import type { Families } from '../metrics/families.ts';
import type { SampleRing } from '../server/sample-ring.ts';
import { AskedNames } from './asked-names.ts';
import { Figures, type OtherTotals } from './figures.ts';
import { SLOW_LINES_PER_SECOND, SlowLog } from './slow-log.ts';
import { SlowestAnswers } from './slowest-answers.ts';

export interface WatchDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly families: Families;
  readonly rows: CounterRows;
  /** Of the responders that there are. */
  readonly rings: () => readonly SampleRing[];
  /** What the rows do not count. */
  readonly others: () => OtherTotals;
  /** From where on an answer is slow, in milliseconds; 0: none is. */
  readonly slowMs: number;
}

export class Watch {
  readonly figures: Figures;
  readonly asked: AskedNames;
  readonly slowest: SlowestAnswers;
  readonly #deps: WatchDependencies;
  readonly #slowLog: Log;

  constructor(deps: WatchDependencies) {
    const { clock, log, families, rows, rings } = deps;
    this.#deps = deps;
    this.figures = new Figures(rows, clock.nowMs());
    this.asked = new AskedNames(clock, rings);
    this.slowest = new SlowestAnswers(clock);
    this.#slowLog = log.limited('slow query', SLOW_LINES_PER_SECOND);
    for (const kind of ['slow', 'outlier']) families.slowQueries.cell(kind);
  }

  /** For the replies of one server block. */
  createObserver(): Observer {
    const { families, slowMs } = this.#deps;
    return new SlowLog({
      log: this.#slowLog,
      slowest: this.slowest,
      slowMs,
      count: (kind) => {
        families.slowQueries.cell(kind).value += 1;
      },
    });
  }

  /**
   * Folds the counters and brings the figures up to the second: every few seconds, and for whoever looks. What is counted after a first
   * time in a second belongs to the next.
   */
  refresh(): void {
    const { clock, rows, others } = this.#deps;
    const nowMs = clock.nowMs();
    if (!this.figures.isDue(nowMs)) return;
    rows.fold();
    this.figures.add(nowMs, others());
    this.slowest.expire();
  }

  close(): void {
    this.asked.close();
  }
}
