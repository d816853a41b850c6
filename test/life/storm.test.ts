/** A storm of misses through the whole daemon: the resolver reads the sockets, nothing is lost, and hits go on behind it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../bench/load/upstream.ts';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { runLoad } from '../support/load.ts';

const MISSES = 16_000;

for (const responders of [1, 2]) {
  test(`${MISSES} misses, ${responders} responders`, async (t) => {
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
    // A closed window and no rate: whoever is stopped meanwhile, no more wait anywhere than there is room for.
    const report = await runLoad(t, dns, {
      window: 128,
      seconds: 60,
      names: MISSES,
      order: 'once',
      prefix: 'storm',
    });
    assert.deepEqual([report.sent, report.lost, report.wrong], [MISSES, 0, 0]);
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
