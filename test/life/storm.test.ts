/** A storm of misses through the whole daemon: the resolver reads the sockets, nothing is lost, and hits go on behind it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../bench/load/upstream.ts';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { runLoad } from '../support/load.ts';

for (const responders of [1, 2]) {
  test(`8,000 misses a second, ${responders} responders`, async (t) => {
    const upstream = await startUpstream();
    t.after(() => upstream.close());
    const daemon = await startDaemon(t, {
      args: ['-responders', String(responders)],
      backend: 'mmsg',
      corefile: ({ dns, prometheus }) => `
        .:${dns} {
          bind 127.0.0.1
          cache 30
          forward . 127.0.0.1:${upstream.port} { force_tcp }
          prometheus 127.0.0.1:${prometheus}
        }`,
    });
    const { dns } = daemon.ports;
    const hit = { name: 'hit.example.test' };
    await udpAsk({ port: dns }, hit);
    const report = await runLoad(t, dns, {
      rate: 8000,
      seconds: 2,
      names: 16_000,
      order: 'once',
      prefix: 'storm',
    });
    assert.deepEqual([report.lost, report.wrong], [0, 0]);
    const scrape = await daemon.scrape();
    assert(scrape.sum('zerohop_storm_queries_total') > 0);
    const asked = scrape.sum('coredns_dns_requests_total');
    assert.equal(asked, scrape.sum('coredns_dns_responses_total'));
    assert.equal(
      scrape.sum('coredns_cache_misses_total') + scrape.sum('coredns_cache_hits_total'),
      asked,
    );
    const reply = await udpAsk({ port: dns }, hit);
    assert.equal(reply.rcode, 'NOERROR');
  });
}
