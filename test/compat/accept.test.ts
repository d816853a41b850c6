/**
 * What CoreDNS takes in a Corefile and what it refuses, and whether we do the same: every option that the table of options has, with
 * arguments that are right and wrong, and a list of Corefiles with mistakes that people make.
 */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { boundAddresses } from '../../src/directives/bind.ts';
import { DIRECTIVE_ORDER, type DirectiveName } from '../../src/directives/order.ts';
import { COREDNS_OPTIONS, type OptionFacts } from '../directives/coredns-options.ts';
import { lineWith, wrongCounts } from '../directives/option-lines.ts';
import { configsOf } from '../directives/server-block.ts';
import { freePorts } from '../support/free-port.ts';
import { reasonOf } from './differences.ts';
import { ODD_COREFILES } from './odd-corefiles.ts';
import { namedPeers, type Peer, startPeer } from './peer.ts';
import { WHOLE_COREFILES } from './whole-corefiles.ts';

/** Relative to the peer's directory; ours reads them from memory. */
const FILES = {
  hosts: '192.0.2.7 seven.example\n',
  weights: 'a.example\n192.0.2.1 3\n',
  'resolv.conf': 'nameserver 192.0.2.1\n',
};
/** At the end of a start that failed for another reason than the Corefile: an address that is not here, a port that is taken. */
const NO_MISTAKE = /listen (?:tcp|udp)/;
const AT_ONCE = 4;

const { peers, skip } = namedPeers();

function isOlder(one: string, other: string): boolean {
  return one.localeCompare(other, 'en', { numeric: true }) < 0;
}

/** Undefined: taken, and there is somewhere to listen. */
function ourRefusal(corefile: string): string | undefined {
  try {
    for (const { bind } of configsOf(corefile, FILES)) {
      if (bind !== undefined) boundAddresses(bind, networkInterfaces());
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function theirRefusal(t: TestContext, peer: Peer, corefile: string) {
  const outcome = await startPeer(t, peer, corefile, FILES);
  if (!('refused' in outcome)) {
    await outcome.stop();
    return undefined;
  }
  return NO_MISTAKE.test(outcome.refused) ? undefined : outcome.refused;
}

/** The differences that nobody knows of, in lines. */
async function compare(
  t: TestContext,
  peer: Peer,
  corefiles: readonly Sample[],
): Promise<string[]> {
  const waiting = [...corefiles];
  const found: string[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { label, corefile } = next;
      const theirs = await theirRefusal(t, peer, corefile);
      const ours = ourRefusal(corefile);
      if ((theirs === undefined) === (ours === undefined)) continue;
      if (reasonOf(label) !== undefined) continue;
      found.push(`${label}: ${peer.name}: ${theirs ?? 'taken'}; we: ${ours ?? 'taken'}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

interface Sample {
  readonly label: string;
  readonly corefile: string;
}

function samplesOf(name: DirectiveName, options: readonly OptionFacts[], port: number): Sample[] {
  const bind = name === 'bind' ? '' : 'bind 127.0.0.1\n';
  return options.flatMap((option) => {
    const { refused, passedOver } = wrongCounts(option);
    const argsOf = [...option.accepted, ...refused, ...passedOver, ...option.rejected];
    return argsOf.map((args) => {
      const line = lineWith(name, option, args).replaceAll('/etc/', '');
      return { label: line.replaceAll(/\s+/g, ' '), corefile: `.:${port} {\n${bind}${line}\n}\n` };
    });
  });
}

test('accepts and refuses what the peer does', { skip }, async (t) => {
  for (const peer of peers) {
    const [port] = (await freePorts(1)) as [number];
    await t.test(`${peer.name} with CoreDNS ${peer.version}`, async (t) => {
      for (const name of DIRECTIVE_ORDER) {
        const options = COREDNS_OPTIONS[name].options.filter(
          ({ since }) => since !== 'next' && !isOlder(peer.version, since),
        );
        await t.test(name, async (t) => {
          assert.deepEqual(await compare(t, peer, samplesOf(name, options, port)), []);
        });
      }
      await t.test('whole Corefiles', async (t) => {
        const samples = [...WHOLE_COREFILES, ...ODD_COREFILES].map((corefile) => ({
          label: corefile.replaceAll(/\s+/g, ' ').trim(),
          corefile: corefile.replaceAll('PORT', String(port)),
        }));
        assert.deepEqual(await compare(t, peer, samples), []);
      });
    });
  }
});
