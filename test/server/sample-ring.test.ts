/** Samples of queries from a responder to the resolver: none unless asked for, whole, in fair turns, bounded. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { createSampleRing, SAMPLES_MAX, SampleRing } from '../../src/server/sample-ring.ts';
import { nameToText } from '../../src/wire/name.ts';
import { encodeQuery } from '../support/messages.ts';

const AT = 64;
const PEER_AT = 1024;

class Pair {
  readonly #buffer = createSampleRing();
  readonly responder = new SampleRing(this.#buffer);
  readonly resolver = new SampleRing(this.#buffer);
  readonly octets = new Uint8Array(2048);

  take(message: Uint8Array, host = '10.1.2.3', size = message.length): void {
    this.octets.fill(0xa5);
    this.octets.set(message, AT);
    writeSocketAddress(this.octets, PEER_AT, { host, port: 4242 });
    this.responder.take(this.octets, AT, size, PEER_AT, 3);
  }
}

suite('samples', () => {
  test('nobody watches at first, and the step crosses', () => {
    const { responder, resolver } = new Pair();
    assert.equal(responder.step, 0);
    resolver.step = 7;
    assert.equal(responder.step, 7);
  });

  for (const [host, address] of [
    ['10.1.2.3', [10, 1, 2, 3]],
    ['2001:db8::7', [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]],
  ] as const) {
    test(`what is taken comes out, in lower case: ${host}`, () => {
      const pair = new Pair();
      pair.take(encodeQuery({ name: 'WwW.Example.ORG', type: 28 }), host);
      const { qname, qtype, weight, address: read } = pair.resolver.next()!;
      assert.deepEqual(
        [nameToText(qname), qtype, weight, [...read]],
        ['www.example.org.', 28, 3, [...address]],
      );
      assert.equal(pair.resolver.next(), undefined);
    });
  }

  test('a full ring takes no more, and goes on once it was read', () => {
    const pair = new Pair();
    const query = encodeQuery({ name: 'a.test' });
    for (let turn = 0; turn < 3; turn++) {
      for (let count = 0; count < SAMPLES_MAX + 5; count++) pair.take(query);
      let read = 0;
      while (pair.resolver.next() !== undefined) read += 1;
      assert.equal(read, SAMPLES_MAX);
    }
  });

  test('whatever comes, it stays within its octets', () => {
    const pair = new Pair();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (message) => {
        pair.take(message);
        const sample = pair.resolver.next();
        if (sample === undefined) return;
        assert(12 + sample.qname.length + 4 <= message.length);
        assert(sample.qname.length <= 255);
      }),
    );
    const query = encodeQuery({ name: 'cut.test' });
    for (let size = 0; size < query.length; size++) {
      pair.take(query, '10.1.2.3', size);
      assert.equal(pair.resolver.next(), undefined, `${size} of ${query.length} octets`);
    }
  });

  test('the longest name fits, and none that is longer', () => {
    const pair = new Pair();
    const label = 'x'.repeat(63);
    pair.take(encodeQuery({ name: `${label}.${label}.${label}.${'y'.repeat(61)}` }));
    assert.equal(pair.resolver.next()!.qname.length, 255);
    const long = Buffer.concat([
      Buffer.alloc(12),
      Buffer.alloc(64 * 4, `?${label}`),
      Buffer.alloc(5),
    ]);
    pair.take(long);
    assert.equal(pair.resolver.next(), undefined);
  });

  for (const step of [1, 2, 16, 1000]) {
    test(`one in ${step} is due, in uneven gaps`, () => {
      const { responder } = new Pair();
      const queries = 20_000 * step;
      let due = 0;
      let even = 0;
      for (let number = 0; number < queries; number++) {
        if (!responder.isDue(step)) continue;
        due += 1;
        if (number % 2 === 0) even += 1;
      }
      assert(Math.abs(due - 20_000) < 600, `${due}`);
      // Two clients that take turns.
      assert(Math.abs(even / due - 0.5) < 0.03, `${even} of ${due}`);
    });
  }
});
