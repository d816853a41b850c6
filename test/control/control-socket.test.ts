/** The control socket: who can reach it, who gets the path, and what it does where it cannot have it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { get, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { CONNECTIONS_MAX, type Pages } from '../../src/base/http-endpoint.ts';
import { createLog } from '../../src/base/log.ts';
import { ControlSocket } from '../../src/control/control-socket.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

interface Opened {
  readonly socket: ControlSocket;
  readonly lines: string[];
}

function pathIn(t: TestContext): string {
  return join(temporaryDirectory(t), 'zerohop', 'control.sock');
}

function open(t: TestContext, path: string, name = 'one'): Opened {
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line.trimEnd()));
  const pages: Pages = { '/name': () => ({ text: name }), '/do': { post: () => ({ text: name }) } };
  const socket = ControlSocket.open(path, pages, log);
  t.after(() => socket.close());
  return { socket, lines };
}

async function ask(path: string, page = '/name', method = 'GET'): Promise<[number, string]> {
  const asked = request({ socketPath: path, path: page, method, agent: false });
  asked.end();
  const [response] = await once(asked, 'response');
  return [response.statusCode, await text(response)];
}

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

test('the directory is for its owner alone, and so is the socket', async (t) => {
  const path = pathIn(t);
  const { socket, lines } = open(t, path);
  assert.equal(await socket.isOpen(), true);
  assert.deepEqual([mode(dirname(path)), mode(path)], ['700', '600']);
  assert.deepEqual(await ask(path), [200, 'one']);
  assert.deepEqual(lines, []);
  assert.deepEqual(readdirSync(dirname(path)), ['control.sock']);
  await socket.close();
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('what acts is posted, and nothing else is', async (t) => {
  const path = pathIn(t);
  await open(t, path).socket.isOpen();
  assert.deepEqual(await ask(path, '/do', 'POST'), [200, 'one']);
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    assert.equal((await ask(path, '/do', method))[0], 405, method);
  }
  assert.equal((await ask(path, '/name', 'POST'))[0], 405);
});

test('a page of the internet is refused, whatever led it here', async (t) => {
  const path = pathIn(t);
  await open(t, path).socket.isOpen();
  const headers = { host: 'rebind.attacker.example' };
  const [response] = await once(get({ socketPath: path, path: '/name', headers }), 'response');
  assert.equal(response.statusCode, 421);
  response.resume();
});

test('its clients are bounded, and one that floods it does a thing once a connection', async (t) => {
  const path = pathIn(t);
  let done = 0;
  const pages: Pages = { '/do': { post: () => ({ text: String(++done) }) } };
  const socket = ControlSocket.open(
    path,
    pages,
    createLog(() => {}),
  );
  t.after(() => socket.close());
  await socket.isOpen();
  const dial = async () => {
    const client = connect(path);
    client.on('error', () => {}); // a reset is one of the expected ends
    t.after(() => client.destroy());
    await once(client, 'connect');
    return client;
  };
  const flood = await dial();
  flood.write('POST /do HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
  flood.resume();
  await once(flood, 'close');
  assert.equal(done, 1);
  const held = [];
  for (let index = 0; index < CONNECTIONS_MAX; index++) held.push(await dial());
  const beyond = await dial();
  beyond.resume();
  await once(beyond, 'close');
  held[0]!.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(String((await once(held[0]!, 'data'))[0]), /^HTTP\/1\.1 404 /);
});

test('a directory that others could use is refused, in one line that says what to do', async (t) => {
  for (const bits of [0o755, 0o770, 0o701, 0o720]) {
    const path = pathIn(t);
    mkdirSync(dirname(path));
    chmodSync(dirname(path), bits);
    const { socket, lines } = open(t, path);
    assert.equal(await socket.isOpen(), false);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0]!,
      /^\[WARNING\] no control socket at .* has mode 0\d+: expected 0700.*chmod 700/,
    );
    chmodSync(dirname(path), 0o700);
    await until('the mode is right now', () => ask(path));
    assert.match(lines[1]!, /taken over/);
  }
});

test("another user's directory, a link and a file in its place are refused", async (t) => {
  const path = pathIn(t);
  const elsewhere = temporaryDirectory(t);
  symlinkSync(elsewhere, dirname(path));
  const linked = open(t, path);
  assert.equal(await linked.socket.isOpen(), false);
  assert.match(linked.lines[0]!, /is not a directory/);
  rmSync(dirname(path));
  writeFileSync(dirname(path), '');
  const filed = open(t, path);
  assert.equal(await filed.socket.isOpen(), false);
  if (process.geteuid!() !== 0) return;
  rmSync(dirname(path));
  mkdirSync(dirname(path), { mode: 0o700 });
  chownSync(dirname(path), 65534, 65534);
  const foreign = open(t, path);
  assert.equal(await foreign.socket.isOpen(), false);
  assert.match(foreign.lines[0]!, /belongs to user 65534: expected 0 \(chown 0 /);
});

test('where nothing can be created there is one line, and no more', async (t) => {
  for (const path of ['/proc/zerohop/control.sock', '/nowhere/zerohop/control.sock']) {
    const { socket, lines } = open(t, path);
    assert.equal(await socket.isOpen(), false);
    assert.match(lines.join('\n'), /^\[WARNING\] no control socket at \S+: ENOENT/);
    await socket.close();
  }
  const long = open(t, join(temporaryDirectory(t), 'zerohop', 'x'.repeat(100)));
  assert.equal(await long.socket.isOpen(), false);
  assert.match(long.lines[0]!, /expected a path of at most \d+ octets/);
});

test('an empty path: none is wanted', async (t) => {
  const { socket, lines } = open(t, '');
  assert.equal(await socket.isOpen(), false);
  assert.deepEqual(lines, []);
});

test('a file that is no socket stays', async (t) => {
  const path = pathIn(t);
  mkdirSync(dirname(path), { mode: 0o700 });
  writeFileSync(path, 'precious');
  const { socket, lines } = open(t, path);
  assert.equal(await socket.isOpen(), false);
  assert.match(lines[0]!, /no socket is there: expected none/);
  assert.equal(lstatSync(path).isFile(), true);
});

test('the socket of a process that died is replaced', async (t) => {
  const path = pathIn(t);
  mkdirSync(dirname(path), { mode: 0o700 });
  const dead = createServer().listen(path);
  await once(dead, 'listening');
  const kept = `${path}.kept`;
  linkSync(path, kept);
  dead.close();
  await once(dead, 'close');
  linkSync(kept, path);
  const { socket, lines } = open(t, path);
  assert.equal(await socket.isOpen(), true);
  assert.deepEqual(await ask(path), [200, 'one']);
  assert.deepEqual(lines, []);
});

test('of two daemons the first keeps the path, and the second has it when the first ends', async (t) => {
  const path = pathIn(t);
  const first = open(t, path, 'first');
  await first.socket.isOpen();
  const second = open(t, path, 'second');
  assert.equal(await second.socket.isOpen(), false);
  assert.match(
    second.lines.join('\n'),
    /^\[WARNING\] .*another daemon has it; it is taken over when/,
  );
  assert.deepEqual(await ask(path), [200, 'first']);
  await first.socket.close();
  await until('the second has it', async () => (await ask(path))[1] === 'second');
  assert.match(second.lines[1]!, /taken over/);
});

test('a path that was deleted, or taken from us, is noticed', async (t) => {
  const path = pathIn(t);
  const { socket } = open(t, path);
  await socket.isOpen();
  rmSync(path);
  await until('it is there again', async () => (await ask(path))[1] === 'one');
  const other = createServer((client) => client.end()).listen(`${path}.other`);
  t.after(() => other.close());
  await once(other, 'listening');
  renameSync(`${path}.other`, path);
  await until('it has given up', async () => !(await socket.isOpen()));
  await socket.close();
  assert.equal(lstatSync(path).isSocket(), true);
});
