/**
 * `loadbalance` at work, before the cache: each reply gets an order of its own. As in CoreDNS, only answers with NOERROR are touched,
 * and `weighted` looks at A, AAAA and SRV questions only.
 */
import { prefixFromText } from '../base/ip-prefix.ts';
import type { Log } from '../base/log.ts';
import { responseOf, sectionsOf } from '../wire/records.ts';
import { QTYPE, RCODE } from '../wire/registry.ts';
import type { Response } from '../wire/response.ts';
import type { LoadbalanceOptions } from './loadbalance.ts';
import { fileFailureText, PolledFile } from './polled-file.ts';
import { preferring, type RandomBelow, shuffled, weighted } from './record-order.ts';
import type { Next, Question, Resolution, Stage } from './resolution.ts';
import { readWeightFile, type Weights } from './weight-file.ts';

const WEIGHTED_TYPES: readonly number[] = [QTYPE.A, QTYPE.AAAA, QTYPE.SRV];

type Section = 'answer' | 'authority' | 'additional';
type Records = Parameters<typeof shuffled>[0];

export class LoadbalanceStage implements Stage {
  readonly name = 'loadbalance';
  readonly #options: LoadbalanceOptions;
  readonly #log: Log;
  readonly #randomBelow: RandomBelow;
  readonly #prefer: NonNullable<ReturnType<typeof prefixFromText>>[];
  readonly #file: PolledFile | undefined;
  #weights: Weights = new Map();

  constructor(options: LoadbalanceOptions, log: Log, randomBelow: RandomBelow) {
    this.#options = options;
    this.#log = log;
    this.#randomBelow = randomBelow;
    this.#prefer = options.prefer.map((text) => prefixFromText(text)!);
    this.#file = this.#openFile();
  }

  resolve(question: Question, next: Next): Promise<Resolution> | undefined {
    const isTransfer = question.qtype === QTYPE.AXFR || question.qtype === QTYPE.IXFR;
    return isTransfer ? undefined : this.#reorder(question, next);
  }

  close(): void {
    this.#file?.close();
  }

  async #reorder(question: Question, next: Next): Promise<Resolution> {
    const resolution = await next(question);
    if (!resolution.ok || !hasOrder(resolution.response)) return resolution;
    const { body, facts } = resolution.response;
    const sections = sectionsOf(body, question);
    const ordered = {
      answer: this.#order(sections.answer, 'answer', question.qtype),
      authority: this.#order(sections.authority, 'authority', question.qtype),
      additional: this.#order(sections.additional, 'additional', question.qtype),
    };
    const { flags, rcode } = body;
    const response = responseOf(question, { flags, rcode, sections: ordered });
    // Another order may compress worse: one that is near the largest message stays as it is.
    if (response === undefined) return resolution;
    return { ok: true, response: { body: response.body, facts }, by: 'loadbalance' };
  }

  #order(records: Records, section: Section, qtype: number): Records {
    const { policy } = this.#options;
    let ordered = records;
    if (policy.kind === 'round_robin') ordered = shuffled(records, this.#randomBelow);
    else if (section !== 'authority' && WEIGHTED_TYPES.includes(qtype)) {
      ordered = weighted(records, this.#weights, this.#randomBelow);
    }
    if (section === 'authority' || this.#prefer.length === 0) return ordered;
    return preferring(ordered, this.#prefer);
  }

  /** A file that is not there, or wrong, is waited for; until then all weights are 1. */
  #openFile(): PolledFile | undefined {
    const { policy } = this.#options;
    if (policy.kind !== 'weighted') return undefined;
    const { path, reloadMs: intervalMs } = policy;
    return new PolledFile({
      path,
      intervalMs,
      onText: (text) => {
        const file = readWeightFile(text);
        if (file.code === 'read') this.#weights = file.weights;
        else
          this.#log.error(`${path}:${file.line}: ${file.problem}; the weights stay as they were`);
      },
      onFailure: (failure) => this.#log.warn(`weight file ${path}: ${fileFailureText(failure)}`),
    });
  }
}

/** Whether there is something to put in order. */
function hasOrder({ body }: Response): boolean {
  const { answerCount, authorityCount, additionalCount } = body;
  return body.rcode === RCODE.NOERROR && Math.max(answerCount, authorityCount, additionalCount) > 1;
}
