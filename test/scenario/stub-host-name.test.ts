/** A stub domain whose server is given by name: looked up in the `.` block, again when its TTL has passed, and kept while it fails. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { addresses, negative } from '../support/scripted-replies.ts';
import type { Handler } from '../support/scripted-upstream.ts';
import { until } from './stage.ts';
import { STUB_ADDRESS, TemplateNode, UPSTREAM_ADDRESS, USUAL } from './template-node.ts';

/** Of this machine, and nobody listens there. */
const NOBODY = '127.0.0.66';

suite('a stub server given by name', { concurrency: true }, () => {
  test('is found, followed, and kept', async (t) => {
    let answer: string | undefined = NOBODY;
    const handler: Handler = (query) => {
      if (query.question.name !== 'ns.stub.test') return addresses(query, UPSTREAM_ADDRESS);
      if (answer === undefined) return negative(query, 3, 'stub.test', 1);
      return query.question.type === 'A'
        ? addresses(query, answer, 1)
        : negative(query, 0, 'stub.test');
    };
    const node = await TemplateNode.set(t, handler);
    const kubeDns = node.stubDomains({ 'acme.local': [`ns.stub.test:${node.stub.port}`] });
    await node.start(t, { template: USUAL, kubeDns });
    const asked = () =>
      node.upstream.queries.filter(({ question }) => question.name === 'ns.stub.test').length;

    assert.equal(await node.addressOf('a.acme.local'), undefined, 'nobody is there');
    answer = '127.0.0.1';
    await node.whenServed('b.acme.local', STUB_ADDRESS);
    answer = undefined;
    await node.daemon.waitForLog(
      /resolving ns\.stub\.test: NXDOMAIN: tried again; 127\.0\.0\.1 until then/,
    );
    assert.equal(await node.addressOf('c.acme.local'), STUB_ADDRESS);
    const before = asked();
    await until('another look-up', () => asked() > before);
  });

  test('is waited for by the first question', async (t) => {
    const handler: Handler = (query) => {
      const isHost = query.question.name === 'ns.stub.test' && query.question.type === 'A';
      return isHost
        ? { delayMs: 200, reply: addresses(query, '127.0.0.1') }
        : addresses(query, query.question.type === 'A' ? UPSTREAM_ADDRESS : '2001:db8::1');
    };
    const node = await TemplateNode.set(t, handler);
    await node.start(t, { template: USUAL });
    node.mountKubeDns(node.stubDomains({ 'acme.local': [`ns.stub.test:${node.stub.port}`] }));
    await node.daemon.waitForLog(/Reloading complete/);
    assert.equal(await node.addressOf('a.acme.local'), STUB_ADDRESS);
  });

  test('below its own domain is no loop: the servers of `.` are asked, and the log says so', async (t) => {
    const handler: Handler = (query) => {
      const isHost = query.question.name === 'ns.acme.local' && query.question.type === 'A';
      return isHost ? addresses(query, '127.0.0.1') : negative(query, 3, 'acme.local');
    };
    const node = await TemplateNode.set(t, handler);
    const kubeDns = node.stubDomains({ 'acme.local': [`ns.acme.local:${node.stub.port}`] });
    await node.start(t, { template: USUAL, kubeDns });
    await node.daemon.waitForLog(
      /ns\.acme\.local, a server of acme\.local\., is below that zone itself: the servers of '\.' are asked for its address/,
    );
    assert.equal(await node.addressOf('a.acme.local'), STUB_ADDRESS);
    assert.ok(node.stub.queries.every(({ question }) => question.name !== 'ns.acme.local'));
  });
});
