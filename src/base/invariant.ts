/**
 * What holds unless there is a bug of ours. In place of `node:assert`, which takes 60 kB of heap in each thread and its part of every
 * start, for texts and differences that tests need.
 */

export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}

export function assert(condition: unknown, message = 'an invariant is broken'): asserts condition {
  if (!condition) throw new BrokenInvariant(message);
}
