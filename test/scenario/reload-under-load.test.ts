/**
 * Clients that never stop asking, cached names and new ones, over UDP and TCP, while the Corefile is reloaded ten times: every
 * single query is answered, and right.
 */
import assert from 'node:assert/strict';
import { TcpClient, UdpClient } from '../support/dns-client.ts';
import { onEachBackend, type StagePorts } from './stage.ts';

const RELOADS = 10;
const CLIENTS_PER_TRANSPORT = 3;

/** Each differs from the one before: in what its blocks do, and in what it listens on. */
function corefile(turn: number) {
  return ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1 ${turn % 2 === 0 ? '' : '127.0.0.3'}
  cache
  forward . 127.0.0.1:${upstream}
  ${turn % 3 === 0 ? 'log . "{name}" {\n class denial\n }' : ''}
}
changing.test:${dns} {
  bind 127.0.0.1 ${turn % 2 === 0 ? '' : '127.0.0.3'}
  cache
  bufsize ${1000 + turn}
  forward . 127.0.0.1:${upstream} {
    ${turn % 2 === 0 ? 'force_tcp' : ''}
  }
}
${turn % 4 === 3 ? `extra.test:${dns} {\n bind 127.0.0.4\n forward . 127.0.0.1:${upstream}\n}` : ''}`;
}

/** Asks one question after another until told to stop; gives how many. */
async function askOn(
  client: UdpClient | TcpClient,
  prefix: string,
  isOver: () => boolean,
): Promise<number> {
  let count = 0;
  for (; !isOver(); count++) {
    const zone = count % 2 === 0 ? 'staying.test' : 'changing.test';
    const name = count % 3 === 0 ? `${prefix}-${count}.${zone}` : `cached.${zone}`;
    const reply = await client.ask({ name, id: count & 0xffff });
    assert.deepEqual([reply.id, reply.data('A')], [count & 0xffff, ['192.0.2.1']], name);
  }
  return count;
}

onEachBackend('ten reloads under load', { corefile: corefile(0) }, async (t, stage) => {
  const { daemon, upstream } = stage;
  const clients = await Promise.all(
    Array.from({ length: 2 * CLIENTS_PER_TRANSPORT }, (_, index) =>
      index % 2 === 0 ? UdpClient.open(daemon.address) : TcpClient.connect(daemon.address),
    ),
  );
  t.after(() => Promise.all(clients.map((client) => client.close())));
  let isOver = false;
  const counts = clients.map((client, index) => askOn(client, `client-${index}`, () => isOver));
  const asking = Promise.all(counts);
  const reloading = (async () => {
    for (let turn = 1; turn <= RELOADS; turn++) {
      const before = upstream.queries.length;
      const line = await daemon.reloadWith((ports) =>
        corefile(turn)({ ...ports, upstream: upstream.port }),
      );
      assert.match(line, /Reloading complete/);
      await upstream.received(before + 60);
    }
  })();
  await Promise.race([reloading, asking]);
  isOver = true;
  await reloading;
  for (const count of await asking) assert.ok(count > RELOADS);
  const scrape = await daemon.scrape();
  assert.equal(scrape.sum('zerohop_misses_dropped_total'), 0);
  assert.equal(scrape.sum('coredns_panics_total'), 0);
});
