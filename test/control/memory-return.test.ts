import assert from 'node:assert/strict';
import { test } from 'node:test';
import { returnMemory } from '../../src/control/memory-return.ts';
import { type Libc, loadLibc } from '../../src/os/libc.ts';
import { until } from '../support/until.ts';

test('asks malloc again and again', async () => {
  const pads: number[] = [];
  const libc = { malloc_trim: (pad: number) => pads.push(pad) } as unknown as Libc;
  const timer = returnMemory(libc, 1);
  await until('it was asked three times', () => pads.length >= 3);
  clearInterval(timer);
  assert.deepEqual(pads.slice(0, 3), [0, 0, 0]);
});

test('nothing happens where the C library cannot, or is not there', () => {
  assert.equal(returnMemory({ malloc_trim: undefined } as unknown as Libc), undefined);
  assert.equal(returnMemory(new Error('no koffi')), undefined);
});

const libc = loadLibc();
const isGlibc = !(libc instanceof Error) && libc.malloc_trim !== undefined;

test('glibc has it', { skip: !isGlibc }, () => {
  // 1: some memory was given back, 0: there was none (malloc_trim(3)).
  assert.ok([0, 1].includes((libc as Libc).malloc_trim!(0)));
});
