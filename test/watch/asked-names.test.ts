/** Who asks for what: off until somebody looks, and again when nobody does; right rates, bounded memory, nothing left over. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { createSampleRing, SampleRing } from '../../src/server/sample-ring.ts';
import { AskedNames, LEASE_MS } from '../../src/watch/asked-names.ts';
import { encodeQuery } from '../support/messages.ts';

const PEER_AT = 1024;
/** The watch fetches as often. */
const STEP_MS = 50;

class Play {
  nowMs = 5000;
  readonly #buffer = createSampleRing();
  readonly responder = new SampleRing(this.#buffer);
  readonly ring = new SampleRing(this.#buffer);
  readonly asked: AskedNames;
  readonly #octets = new Uint8Array(2048);

  constructor(t: TestContext) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    this.asked = new AskedNames({ nowMs: () => this.nowMs }, () => [this.ring]);
    this.#tick = (ms) => t.mock.timers.tick(ms);
  }

  readonly #tick: (ms: number) => void;

  /** What a responder does with a query. */
  ask(name: string, host = '10.0.0.1', type = 1): void {
    const { step } = this.responder;
    if (step === 0 || !this.responder.isDue(step)) return;
    const query = encodeQuery({ name, type });
    this.#octets.set(query);
    writeSocketAddress(this.#octets, PEER_AT, { host, port: 1 });
    this.responder.take(this.#octets, 0, query.length, PEER_AT, step);
  }

  pass(ms: number, each: () => void = () => {}): void {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      each();
      this.nowMs += STEP_MS;
      this.#tick(STEP_MS);
    }
  }
}

suite('asked names', () => {
  test('nothing is looked at until somebody watches, nor after', (t) => {
    const play = new Play(t);
    play.ask('before.test');
    assert.equal(play.asked.heaviest(5), undefined);
    assert.equal(play.ring.step, 0);
    play.asked.renew();
    assert.equal(play.ring.step, 1);
    play.pass(1000, () => play.ask('while.test'));
    assert.deepEqual(
      play.asked.heaviest(5)!.names.map(({ name }) => name),
      ['while.test.'],
    );
    play.pass(LEASE_MS, () => play.ask('while.test'));
    assert.deepEqual([play.ring.step, play.asked.isWatched], [0, false]);
    assert.equal(play.asked.heaviest(5), undefined);
    play.asked.renew();
    assert.deepEqual(play.asked.heaviest(5)!.names, []);
    play.asked.close();
    assert.equal(play.ring.step, 0);
  });

  test('who looks again and again keeps the watch going', (t) => {
    const play = new Play(t);
    for (let turn = 0; turn < 5; turn++) {
      play.asked.renew();
      play.pass(LEASE_MS - 1000);
    }
    assert.equal(play.asked.isWatched, true);
    assert.equal(play.asked.heaviest(1)!.watchedS, (5 * (LEASE_MS - 1000)) / 1000);
  });

  test('rates and shares, of names and of clients', (t) => {
    const play = new Play(t);
    play.asked.renew();
    // Each 50 ms: 60 and 20 queries a second.
    play.pass(5000, () => {
      for (let count = 0; count < 3; count++) play.ask('Hot.test', '10.0.0.1');
      play.ask('warm.test', '2001:db8::7', 28);
    });
    const { names, clients, oneIn } = play.asked.heaviest(9)!;
    assert.equal(oneIn, 1);
    const shown = names.map(({ name, type, share }) => [name, type, share.toFixed(2)]);
    assert.deepEqual(shown, [
      ['hot.test.', 'A', '0.75'],
      ['warm.test.', 'AAAA', '0.25'],
    ]);
    assert(Math.abs(names[0]!.queriesPerS - 60) < 3, `${names[0]!.queriesPerS}`);
    assert.deepEqual(
      clients.map(({ address, share }) => [address, share.toFixed(2)]),
      [
        ['10.0.0.1', '0.75'],
        ['2001:db8::7', '0.25'],
      ],
    );
    // A name that nobody asks for any more sinks.
    play.asked.renew();
    play.pass(9000, () => play.ask('new.test'));
    play.asked.renew();
    play.pass(9000, () => play.ask('new.test'));
    assert.equal(play.asked.heaviest(1)!.names[0]!.name, 'new.test.');
  });

  test('under load it takes one in many, and the rate stays right', (t) => {
    const play = new Play(t);
    play.asked.renew();
    play.pass(4000, () => {
      for (let count = 0; count < 2000; count++) play.ask('hot.test');
    });
    const { oneIn, names } = play.asked.heaviest(1)!;
    assert(oneIn >= 6 && oneIn <= 10, `${oneIn}`);
    // The ring was full in the first 50 ms, and lost what did not fit.
    assert(Math.abs(names[0]!.queriesPerS / 40_000 - 1) < 0.1, `${names[0]!.queriesPerS}`);
  });

  test('what comes without a responder is seen too', (t) => {
    const play = new Play(t);
    const client = {
      protocol: 'tcp' as const,
      source: 'x',
      replySizeMax: 65_535,
      peer: () => ({ host: '10.9.9.9', port: 1 }),
      send: () => {},
      drop: () => {},
    };
    const arrive = (query: Uint8Array) =>
      play.asked.arrived({ query, client, listener: 0, receivedAtMs: 0 });
    arrive(encodeQuery({ name: 'early.test' }));
    play.asked.renew();
    play.pass(1000, () => arrive(encodeQuery({ name: 'TCP.test', type: 16 })));
    arrive(new Uint8Array(13));
    const { names, clients } = play.asked.heaviest(5)!;
    assert.deepEqual([names.length, names[0]!.name, names[0]!.type], [1, 'tcp.test.', 'TXT']);
    assert.equal(clients[0]!.address, '10.9.9.9');
  });

  test('names are shown as text, whatever they hold', (t) => {
    const play = new Play(t);
    play.asked.renew();
    play.pass(100, () => play.ask('\u001b[31m\n.test'));
    assert.match(play.asked.heaviest(1)!.names[0]!.name, /^\\027\[31m\\010\.test\.$/);
  });
});
