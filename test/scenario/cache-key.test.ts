/**
 * What the cache keeps apart, as CoreDNS does: DO, CD, RD, class, type and server block; and what it does not: letter
 * case, AD, the client's EDNS size and options, the transport.
 */
import { udpAsk } from '../support/dns-client.ts';
import { FLAG, type QueryFields } from '../support/messages.ts';
import { onEachBackend, type Stage, type StagePorts } from './stage.ts';

/** Two server blocks with the same names behind different keys. */
const COREFILE = ({ dns, upstream }: StagePorts) => `
example.org:${dns} {
  bind 127.0.0.1
  cache 30
  forward . 127.0.0.1:${upstream}
}
example.org:${dns} {
  bind 127.0.0.2
  cache 30
  forward . 127.0.0.1:${upstream}
}`;

type Variation = Omit<QueryFields, 'name'>;

const APART: Readonly<Record<string, Variation>> = {
  plain: {},
  DO: { edns: { dnssecOk: true } },
  CD: { flags: FLAG.RD | FLAG.CD },
  'no RD': { flags: 0 },
  type: { type: 'AAAA' },
  'another type': { type: 'TXT' },
  class: { class: 'CH' },
};

const TOGETHER: Readonly<Record<string, Variation>> = {
  EDNS: { edns: { size: 4096 } },
  'an EDNS option': { edns: { options: [{ code: 65001, data: Uint8Array.of(1) }] } },
  AD: { flags: FLAG.RD | FLAG.AD },
};

async function askTwice(stage: Stage, query: QueryFields): Promise<void> {
  await stage.ask(query);
  await stage.askTcp(query);
}

onEachBackend('the cache', { corefile: COREFILE }, async (t, stage) => {
  await t.test('keeps apart what may be answered differently', async () => {
    const name = 'apart.example.org';
    let expected = 0;
    for (const [what, variation] of Object.entries(APART)) {
      await askTwice(stage, { name, ...variation });
      expected += 1;
      await stage.assertAsked(name, expected, what);
    }
  });

  await t.test('takes together what is answered alike', async () => {
    const name = 'together.example.org';
    await stage.ask({ name });
    for (const [what, variation] of Object.entries(TOGETHER)) {
      await askTwice(stage, { name, ...variation });
      await stage.assertAsked(name, 1, what);
    }
  });

  await t.test('keeps apart the blocks of a Corefile', async () => {
    const name = 'block.example.org';
    await askTwice(stage, { name });
    await udpAsk({ host: '127.0.0.2', port: stage.daemon.ports.dns }, { name });
    await stage.assertAsked(name, 2);
  });
});
