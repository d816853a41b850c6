/**
 * A real sink: `fstrm_capture` takes what the daemon tells by `dnstap`, and `dnstap-ldns` reads it: queries of clients, exchanges with
 * the upstream, and their replies.
 *
 * It needs Debian's `fstrm-bin` and `dnstap-ldns`. What is missing is a failure.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

test('fstrm_capture takes the messages, dnstap-ldns reads them', async (t) => {
  const directory = temporaryDirectory(t);
  const socket = join(directory, 'tap.sock');
  const file = join(directory, 'tap.fstrm');
  const capture = spawn('fstrm_capture', [
    '-t',
    'protobuf:dnstap.Dnstap',
    '-u',
    socket,
    '-w',
    file,
  ]);
  const captured = once(capture, 'close');
  t.after(() => capture.kill('SIGKILL'));
  await until('the sink', () => existsSync(socket));
  // The one that listens, and those of connections that it has not closed yet.
  const socketCount = () =>
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.endsWith(` ${socket}`)).length;
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `
.:${dns} {
  bind 127.0.0.1
  cache
  dnstap ${socket} full {
    identity this-node
  }
  forward . 127.0.0.1:${upstream.port}
}`,
  });
  await udpAsk(daemon.address, { name: 'first.example.org' });
  await tcpAsk(daemon.address, { name: 'first.example.org' });
  daemon.signal('SIGTERM');
  await daemon.exited();
  await until('the sink has read all', () => socketCount() === 1);
  capture.kill('SIGTERM');
  await captured;
  const lines = execFileSync('dnstap-ldns', ['-q', '-r', file], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const messages = lines.map((line) => line.replace(/^\S+ \S+ /, '').replace(/ \d+b /, ' '));
  assert.deepEqual(messages.toSorted(), [
    'CQ 127.0.0.1 TCP "first.example.org." IN A',
    'CQ 127.0.0.1 UDP "first.example.org." IN A',
    'CR 127.0.0.1 TCP "first.example.org." IN A',
    'CR 127.0.0.1 UDP "first.example.org." IN A',
    'FQ 127.0.0.1 UDP "first.example.org." IN A',
    'FR 127.0.0.1 UDP "first.example.org." IN A',
  ]);
  const yaml = execFileSync('dnstap-ldns', ['-y', '-r', file], { encoding: 'utf8' });
  assert.match(yaml, /identity: "this-node"/);
  assert.match(yaml, /first\.example\.org\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1/);
});
