/** Questions that stages ask of the whole server because of one query of a client: so many, and no more. */
import type { Next, Resolution } from '../directives/resolution.ts';
import { RCODE } from '../wire/registry.ts';

/** Chains of CNAMEs in use have two or three links. */
const QUESTIONS_MAX = 16;
const TOO_MANY: Resolution = {
  ok: false,
  rcode: RCODE.SERVFAIL,
  reason: `one query led to more than ${QUESTIONS_MAX} others`,
};

export class InnerQuestions {
  /** Not asked, because one query had led to too many. */
  refusedCount = 0;

  /** `ask` for all that one query leads to. */
  limited(ask: Next): Next {
    let count = 0;
    return (question) => {
      count += 1;
      if (count <= QUESTIONS_MAX) return ask({ ...question, isInner: true });
      this.refusedCount += 1;
      return Promise.resolve(TOO_MANY);
    };
  }
}
