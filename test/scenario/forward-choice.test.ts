/**
 * Whom a question goes to: several `forward` lines with FROM, `except` and `next`; several upstreams with `policy` and
 * `failover`; nobody above `max_concurrent`.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { tcpAskAll, udpAsk } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { ScriptedUpstream, type UpstreamQuery } from '../support/scripted-upstream.ts';
import { until } from './stage.ts';

const FIRST = '192.0.2.1';
const SECOND = '192.0.2.2';

/** What a first label makes an upstream say, first or second. */
function scripted(query: UpstreamQuery, usual: string) {
  const [label] = query.question.name.split('.');
  const isFirst = usual === FIRST;
  switch (label) {
    case 'refused':
      return bare(query, isFirst ? 5 : 0);
    case 'servfail':
      return bare(query, 2);
    case 'first-servfail':
      return isFirst ? bare(query, 2) : addresses(query, usual);
    case 'first-nxdomain':
      return isFirst ? negative(query, 3, 'test') : addresses(query, usual);
    case 'first-nodata':
      return isFirst ? negative(query, 0, 'test') : addresses(query, usual);
    default:
      return addresses(query, usual);
  }
}

interface Scene {
  readonly daemon: Daemon;
  readonly first: ScriptedUpstream;
  /** Who answers for the name: its address, or the rcode. */
  readonly answererOf: (name: string) => Promise<unknown>;
}

async function setScene(t: TestContext): Promise<Scene> {
  const first = await ScriptedUpstream.start(t, (query) => scripted(query, FIRST));
  const second = await ScriptedUpstream.start(t, (query) => scripted(query, SECOND));
  const [deadPort] = await freePorts(1);
  const [one, two] = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`];
  const blocks: Readonly<Record<string, string>> = {
    'lines.test': `forward in.lines.test ${one} {\n except not.in.lines.test\n }\n forward . ${two} {\n except nowhere.lines.test\n }`,
    'next.test': `forward . ${one} {\n next NXDOMAIN SERVFAIL\n }\n forward . ${two}`,
    'nodata.test': `forward . ${one} {\n next_on_nodata\n }\n forward . ${two}`,
    'last.test': `forward . ${one} {\n next NXDOMAIN SERVFAIL\n }`,
    'failover.test': `forward . ${one} ${two} {\n policy sequential\n failover SERVFAIL REFUSED\n }`,
    'stay.test': `forward . ${one} ${two} {\n policy sequential\n }`,
    'round.test': `forward . ${one} ${two} {\n policy round_robin\n }`,
    'random.test': `forward . ${one} ${two}`,
    'gone.test': `forward . 127.0.0.1:${deadPort} ${two} {\n policy sequential\n }`,
    'few.test': `errors\n forward . ${one} {\n max_concurrent 5\n force_tcp\n }`,
  };
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) =>
      Object.entries(blocks)
        .map(([zone, text]) => `${zone}:${dns} {\n bind 127.0.0.1\n ${text}\n}\n`)
        .join(''),
  });
  const answererOf = async (name: string) => {
    const reply = await udpAsk(daemon.address, { name });
    return reply.data('A')[0] ?? reply.rcode;
  };
  return { daemon, first, answererOf };
}

test('forward: whom it asks', async (t) => {
  const { daemon, first, answererOf } = await setScene(t);

  await t.test('the first line whose FROM has the name and whose except has not', async () => {
    assert.equal(await answererOf('a.in.lines.test'), FIRST);
    assert.equal(await answererOf('in.lines.test'), FIRST);
    assert.equal(await answererOf('a.not.in.lines.test'), SECOND);
    assert.equal(await answererOf('a.lines.test'), SECOND);
    assert.equal(await answererOf('a.nowhere.lines.test'), 'SERVFAIL');
  });

  await t.test('next: the following line for these rcodes, if there is one', async () => {
    assert.equal(await answererOf('a.next.test'), FIRST);
    assert.equal(await answererOf('first-nxdomain.next.test'), SECOND);
    assert.equal(await answererOf('first-servfail.next.test'), SECOND);
    assert.equal(await answererOf('refused.next.test'), 'REFUSED');
    assert.equal(await answererOf('first-nxdomain.last.test'), 'NXDOMAIN');
    assert.equal(await answererOf('first-nodata.nodata.test'), SECOND);
  });

  await t.test('failover: the next upstream for these rcodes', async () => {
    assert.equal(await answererOf('a.failover.test'), FIRST);
    assert.equal(await answererOf('first-servfail.failover.test'), SECOND);
    assert.equal(await answererOf('refused.failover.test'), 'NOERROR');
    assert.equal(await answererOf('first-nxdomain.failover.test'), 'NXDOMAIN');
    assert.equal(await answererOf('servfail.failover.test'), 'SERVFAIL');
    assert.equal(await answererOf('first-servfail.stay.test'), 'SERVFAIL');
  });

  await t.test('policy sequential: the first as long as it answers', async () => {
    for (const label of 'abcdefgh') assert.equal(await answererOf(`${label}.stay.test`), FIRST);
  });

  await t.test('policy round_robin: in turn, the second first', async () => {
    const answerers = [];
    for (const label of 'abcd') answerers.push(await answererOf(`${label}.round.test`));
    assert.deepEqual(answerers, [SECOND, FIRST, SECOND, FIRST]);
  });

  await t.test('policy random: all of them', async () => {
    const answerers = new Set<unknown>();
    // That forty tosses of a coin fall alike happens once in 10^12 runs.
    for (let index = 0; index < 40; index++)
      answerers.add(await answererOf(`${index}.random.test`));
    assert.deepEqual([...answerers].sort(), [FIRST, SECOND]);
  });

  await t.test('max_concurrent: REFUSED above it, and a line in the log', async () => {
    const queries = Array.from({ length: 8 }, (_, index) => ({
      name: `${index}.few.test`,
      id: index,
    }));
    const before = first.queries.length;
    first.hold();
    const replies = tcpAskAll(daemon.address, queries);
    await until('the refusals', async () => {
      const scrape = await daemon.scrape();
      return scrape.sum('coredns_forward_max_concurrent_rejects_total') === 3;
    });
    await first.received(before + 5);
    first.release();
    const rcodes = (await replies).map(({ rcode }) => rcode);
    assert.deepEqual(rcodes, [...Array(3).fill('REFUSED'), ...Array(5).fill('NOERROR')]);
    await daemon.waitForLog(
      /plugin\/errors: 5 7\.few\.test\. A: concurrent queries exceeded maximum 5/,
    );
    assert.equal(await answererOf('later.few.test'), FIRST);
  });

  await t.test('an upstream where nobody listens: the other one', async () => {
    for (const label of 'abc') assert.equal(await answererOf(`${label}.gone.test`), SECOND);
  });
});
