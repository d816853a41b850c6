/**
 * What is refused of template and ConfigMaps, as the operator sees it: a log line when it comes, a counter by kind, a gauge of how
 * many there are now. Counted before there are any series, too, since the first configuration is read before the daemon is made.
 */
import type { Log } from '../base/log.ts';
import type { Families } from '../metrics/families.ts';
import { PROBLEM_KINDS, type Problem, type ProblemKind } from '../rendering/problem.ts';

/** Whose problems they are: each part's are replaced by its next report. */
export type ProblemPart = 'template' | 'configmap' | 'write';

export class ProblemReport {
  readonly #log: Log;
  readonly #counts = new Map<ProblemKind, number>();
  readonly #now = new Map<ProblemPart, readonly Problem[]>();
  #notes: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  /** All that is wrong with a part now; what was not in the report before is counted, and logged but where the caller does. */
  report(part: ProblemPart, problems: readonly Problem[], isLogged = true): void {
    const before = new Set(this.#now.get(part)?.map(({ text }) => text));
    this.#now.set(part, problems);
    for (const { kind, text } of problems) {
      if (before.has(text)) continue;
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      if (isLogged) this.#log.error(part === 'configmap' ? `refused: ${text}` : text);
    }
    if (problems.length === 0 && before.size > 0) {
      this.#log.info(`nothing is refused of the ${PART_NAMES[part]} any more`);
    }
  }

  /** What is accepted and ignored, or can hardly be meant: each is said once, until it is gone. */
  note(notes: readonly string[]): void {
    for (const note of notes) if (!this.#notes.has(note)) this.#log.warn(note);
    this.#notes = new Set(notes);
  }

  /** What is refused now, a line each. */
  get refused(): readonly string[] {
    return [...this.#now.values()].flat().map(({ text }) => text);
  }

  /** Sets the series. */
  collect(families: Families): void {
    let sum = 0;
    for (const kind of PROBLEM_KINDS) {
      const count = this.#counts.get(kind) ?? 0;
      sum += count;
      families.configMapRefused.cell(kind).value = count;
    }
    families.setupErrors.cell('configmap').value = sum;
    families.configMapRefusals.cell().value = this.refused.length;
  }
}

const PART_NAMES: Record<ProblemPart, string> = {
  template: 'template',
  configmap: 'kube-dns ConfigMap',
  write: 'rendered Corefile',
};
