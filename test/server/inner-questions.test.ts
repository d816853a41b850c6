/** What one query leads to: sixteen further questions are asked, one more is not, and is counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Question, Resolution } from '../../src/directives/resolution.ts';
import { InnerQuestions } from '../../src/server/inner-questions.ts';
import { questionFrom } from '../directives/stage-play.ts';

const REFUSED: Resolution = { ok: false, rcode: 5, reason: undefined };

test('sixteen are asked, and each query has its own', async () => {
  const inner = new InnerQuestions();
  const asked: Question[] = [];
  const ask = (question: Question) => {
    asked.push(question);
    return Promise.resolve(REFUSED);
  };
  const [one, other] = [inner.limited(ask), inner.limited(ask)];
  const question = questionFrom('www.example A');
  for (let count = 0; count < 16; count++) assert.equal(await one(question), REFUSED);
  assert.equal(inner.refusedCount, 0);
  const beyond = await one(question);
  assert.deepEqual(beyond, {
    ok: false,
    rcode: 2,
    reason: 'one query led to more than 16 others',
  });
  assert.equal(await other(question), REFUSED);
  assert.deepEqual([inner.refusedCount, asked.length], [1, 17]);
  assert(asked.every(({ isInner }) => isInner));
});
