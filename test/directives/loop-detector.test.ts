import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopDetector } from '../../src/directives/loop-detector.ts';
import { nameFromText } from '../../src/wire/name.ts';
import { QTYPE } from '../../src/wire/registry.ts';

const PEER = () => ({ host: '192.0.2.1', port: 53 });

function detector(zone = 'example.org.') {
  let loops = 0;
  const made = new LoopDetector(zone, () => {
    loops += 1;
  });
  return { made, qname: nameFromText(made.name)!, loops: () => loops };
}

test('the third sighting is a loop, told once', () => {
  const { made, qname, loops } = detector();
  assert.ok(made.sees(qname, QTYPE.HINFO, PEER));
  assert.ok(made.sees(qname, QTYPE.HINFO, PEER));
  assert.equal(loops(), 0);
  made.sees(qname, QTYPE.HINFO, PEER);
  made.sees(qname, QTYPE.HINFO, PEER);
  assert.equal(loops(), 1);
});

test('another name or type is nobody’s business', () => {
  const { made, qname } = detector();
  assert.equal(made.sees(nameFromText('example.org')!, QTYPE.HINFO, PEER), false);
  assert.equal(made.sees(qname, QTYPE.A, PEER), false);
});

test('it stops looking', () => {
  const { made, qname, loops } = detector('.');
  made.stop();
  for (let sighting = 0; sighting < 4; sighting++) {
    assert.equal(made.sees(qname, QTYPE.HINFO, PEER), false);
  }
  assert.equal(loops(), 0);
});

test('names of two detectors differ and lie in the zone', () => {
  const [one, other] = [detector().made.name, detector().made.name];
  assert.notEqual(one, other);
  assert.match(one, /^\d+\.\d+\.example\.org\.$/);
});

test('attempts are counted each by itself', () => {
  const { made, qname, loops } = detector();
  for (let attempt = 0; attempt < 5; attempt++) {
    made.forget();
    made.sees(qname, QTYPE.HINFO, PEER);
  }
  assert.equal(loops(), 0);
});
