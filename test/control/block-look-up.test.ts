/** The addresses of servers given by name, asked of the block for `.`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { BlockLookUp } from '../../src/control/block-look-up.ts';
import type { Generation } from '../../src/control/generation.ts';
import type { Question, Resolution } from '../../src/directives/resolution.ts';
import type { ServerConfig } from '../../src/directives/server-config.ts';
import { nameToText } from '../../src/wire/name.ts';
import { QTYPE } from '../../src/wire/registry.ts';
import { readResponse } from '../../src/wire/response.ts';
import { configsOf } from '../directives/server-block.ts';
import { buildResponse, endOfQuestion } from '../wire/responses.ts';

type Answer = (question: Question) => Resolution;

/** A generation with as much of its blocks as is looked at. */
function generationOf(blocks: readonly (readonly [ServerConfig, Answer])[]): Generation {
  const running = blocks.map(([config, answer]) => ({
    config,
    block: { ask: (question: Question) => Promise.resolve(answer(question)) },
  }));
  return { blocks: running } as unknown as Generation;
}

function addressOf(question: Question, address: readonly number[], ttlS = 60): Resolution {
  const name = nameToText(question.qname).slice(0, -1);
  const records = [{ section: 0 as const, owner: name, type: 1, ttlS, rdata: [address] }];
  const message = buildResponse({ name, records: question.qtype === QTYPE.A ? records : [] });
  return { ok: true, response: readResponse(message, endOfQuestion(name), 0)!, by: 'forward' };
}

const FAILED: Resolution = { ok: false, rcode: 2, reason: 'read udp: i/o timeout' };

const [STUB, ROOT, OTHER_ROOT] = configsOf(
  `acme.local { \n forward . ns.example.org\n}
.:53 {
 forward . ns.example.org
}
.:54 {
 forward . 192.0.2.1
}`,
) as [ServerConfig, ServerConfig, ServerConfig];
const FORWARD = STUB.forward[0]!;

function lookUp(log = createLog(() => {})): BlockLookUp {
  return new BlockLookUp(log);
}

test('waits until somebody serves, then asks the block for `.` of the same port', async () => {
  const asked: string[] = [];
  const blocks = lookUp();
  const found = blocks.lookUpFor(FORWARD, STUB)('Ns.Example.org');
  const answer: Answer = (question) => {
    asked.push(`${nameToText(question.qname)} ${question.qtype}`);
    return addressOf(question, [192, 0, 2, 7]);
  };
  const never: Answer = () => assert.fail('not this block');
  blocks.serve(
    generationOf([
      [OTHER_ROOT, never],
      [STUB, never],
      [ROOT, answer],
    ]),
  );
  assert.deepEqual(await found, { addresses: ['192.0.2.7'], ttlS: 60 });
  assert.deepEqual(asked, ['ns.example.org. 1', 'ns.example.org. 28']);
});

test('what cannot be had is an error with its reason', async () => {
  const blocks = lookUp();
  const find = blocks.lookUpFor(FORWARD, STUB);
  blocks.serve(generationOf([[ROOT, () => FAILED]]));
  await assert.rejects(find('ns.example.org'), { message: 'read udp: i/o timeout' });
  const nobody: Answer = (question) => {
    const name = nameToText(question.qname).slice(0, -1);
    const message = buildResponse({ name, records: [] });
    return { ok: true, response: readResponse(message, endOfQuestion(name), 0)!, by: 'forward' };
  };
  blocks.serve(generationOf([[ROOT, nobody]]));
  await assert.rejects(find('ns.example.org'), { message: 'no address' });
});

test('the system looks up the servers of `.` itself, and those of a configuration without it', async () => {
  const blocks = lookUp();
  const never: Answer = () => assert.fail('no block is asked');
  blocks.serve(generationOf([[STUB, never]]));
  for (const config of [ROOT, STUB]) {
    const { addresses, ttlS } = await blocks.lookUpFor(FORWARD, config)('localhost');
    assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'));
    assert.equal(ttlS, undefined);
  }
});
