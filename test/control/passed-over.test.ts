/** A Corefile with what CoreDNS passes over: the daemon starts, and its log says once what and where. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

test('what is passed over is in the log with its place, and the rest takes effect', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  cache 30 {
    success 5000 60 5 surplus
  }
  forward . 127.0.0.1:${upstream.port} {
    expire 10s max_fails 3
  }
}
}`,
  });
  for (const [place, problem] of [
    [':4:23: ', "cache: success: 'surplus' passed over: write 1 to 3 arguments"],
    [
      ':7:16: ',
      "forward: expire: 'max_fails' begins the next option: write it on a line of its own",
    ],
    [':10:1: ', "a '}' too many is passed over: no '{' is open, leave it out"],
  ] as const) {
    const lines = daemon.log.filter((line) => line.includes(problem));
    assert.equal(lines.length, 1, `${problem}\n${daemon.log.join('\n')}`);
    assert.match(lines[0]!, new RegExp(place));
  }
  const reply = await udpAsk({ port: daemon.ports.dns }, { name: 'a.test' });
  assert.equal(reply.rcode, 'NOERROR');
  await daemon.stop();
});
