/**
 * Where it listens: IPv6, several addresses, an interface by its name, and every address where `bind` is absent; an answer
 * leaves from the very address that was asked (the client's socket is connected, and takes no other).
 */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const OWN_ADDRESSES = Object.values(networkInterfaces())
  .flatMap((infos) => infos ?? [])
  .filter(({ family, address }) => family === 'IPv4' || !address.startsWith('fe80:'))
  .map(({ address }) => address);

/** All of 127.0.0.0/8 is ours, without being an address of an interface. */
const UNLISTED = '127.0.0.5';

interface Case {
  readonly bind: string;
  readonly hosts: readonly string[];
  readonly server: string;
}

function casesOf(backend: 'mmsg' | 'dgram'): readonly Case[] {
  // node:dgram tells no packet information, so there a wildcard means the interfaces' addresses.
  const wildcard = backend === 'mmsg' ? [...OWN_ADDRESSES, UNLISTED] : OWN_ADDRESSES;
  return [
    { bind: '', hosts: wildcard, server: '' },
    {
      bind: 'bind 0.0.0.0',
      hosts: wildcard.filter((host) => !host.includes(':')),
      server: '0.0.0.0',
    },
    { bind: 'bind ::1', hosts: ['::1'], server: '[::1]' },
    { bind: 'bind 127.0.0.1 127.0.0.9', hosts: ['127.0.0.1', '127.0.0.9'], server: '127.0.0.9' },
    { bind: 'bind lo', hosts: ['127.0.0.1', '::1'], server: '127.0.0.1' },
  ];
}

suite('listeners', { concurrency: true }, () => {
  for (const backend of ['mmsg', 'dgram'] as const) {
    test(backend, async (t) => {
      for (const { bind, hosts, server } of casesOf(backend)) {
        await t.test(bind || 'no bind', async (t) => {
          const upstream = await ScriptedUpstream.start(t, (query) =>
            addresses(query, '192.0.2.1'),
          );
          const daemon = await startDaemon(t, {
            backend,
            corefile: ({ dns, prometheus }) => `.:${dns} {
              ${bind}
              cache
              prometheus 127.0.0.1:${prometheus}
              forward . 127.0.0.1:${upstream.port}
            }`,
          });
          const { dns: port } = daemon.ports;
          for (const host of hosts) {
            const name = `${host.replaceAll(':', '-')}.example.org`;
            for (const ask of [udpAsk, udpAsk, tcpAsk]) {
              assert.deepEqual(
                (await ask({ host, port }, { name })).data('A'),
                ['192.0.2.1'],
                host,
              );
            }
          }
          const series = (await daemon.scrape()).sum('coredns_dns_requests_total', {
            server: `dns://${server}:${port}`,
            family: server.includes(':') ? '2' : '1',
          });
          const perHost = server === '' || server === '0.0.0.0' ? hosts.length : 1;
          assert.equal(series, 3 * perHost);
        });
      }
    });
  }
});
