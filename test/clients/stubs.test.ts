/**
 * The resolvers that pods really use, each asking as it does by itself: getaddrinfo of glibc and musl, Node's c-ares,
 * and the field's tools. It proves that answers arrive in the shape they take: A and AAAA at once from one socket, a
 * truncated answer repeated over TCP (glibc, dig, kdig) or used as it is (musl).
 *
 * It needs root (`test/support/namespace.ts`), both C compilers, dig and host, kdig, drill. What is missing is a failure.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { type Compiler, compile } from '../support/c-program.ts';
import { isInNamespace, runInNamespace } from '../support/namespace.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type StartServer, startDaemonServer, startStandInServer } from './servers.ts';

const GETADDRINFO = join(import.meta.dirname, 'getaddrinfo.c');
const CLUSTER = 'default.svc.cluster.local';

/** What a program prints, trimmed; rejects where it exits with anything but 0. */
async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  const { stdout } = await promisify(execFile)(program, args, { env });
  return stdout.trim();
}

/** The addresses behind the name in a line of `getaddrinfo.c`. */
function addressesIn(line: string): string[] {
  return line.split(' ').slice(1);
}

function stubs(start: StartServer): void {
  for (const compiler of ['cc', 'musl-gcc'] as const)
    suite(`getaddrinfo, ${compiler}`, () => cLibrary(start, compiler));
  suite("Node's c-ares", () => cAres(start));
  suite('tools', () => tools(start));
}

function cLibrary(start: StartServer, compiler: Compiler): void {
  test('finds names of the cluster and of the outside through the search path', async (t) => {
    const server = await start(t);
    const program = await compile(GETADDRINFO, compiler, temporaryDirectory(t));
    const names = ['web', `db-1.db.${CLUSTER}`, 'kube-dns.kube-system', 'outside', 'example.org'];
    const lines = (await run(program, names)).split('\n');
    assert.deepEqual(
      lines.map((line) => addressesIn(line).sort()),
      [
        ['10.96.1.1', 'fd00:10:96::1:1'],
        ['10.244.2.2'],
        ['10.96.0.10'],
        ['192.0.2.80', '192.0.2.81', '2001:db8::80'],
        ['192.0.2.1', '2001:db8::1'],
      ],
    );
    assert.equal(await server.queries('tcp'), 0);
  });

  test('tells a missing name from a broken server', async (t) => {
    await start(t);
    const program = await compile(GETADDRINFO, compiler, temporaryDirectory(t));
    const failure = await run(program, ['nope']).catch((error: { stdout: string }) => error.stdout);
    assert.match(String(failure), /^nope error: Name (or service not known|does not resolve)\n$/);
  });

  test('takes a name with 200 addresses', async (t) => {
    const server = await start(t);
    const program = await compile(GETADDRINFO, compiler, temporaryDirectory(t));
    const addresses = addressesIn(await run(program, [`two-hundred.${CLUSTER}`]));
    assert.ok(addresses.every((address) => /^10\.244\.200\.\d+$/.test(address)));
    if (compiler === 'cc') {
      assert.equal(addresses.length, 200);
      assert.ok((await server.queries('tcp')) > 0);
    } else {
      // No fallback to TCP before musl 1.2.4; 48 is all that musl keeps of an answer.
      assert.ok(addresses.length >= 20, `${addresses.length} addresses`);
    }
  });

  if (compiler !== 'cc') return;
  for (const option of ['use-vc', 'edns0', 'single-request', 'single-request-reopen']) {
    test(`works with RES_OPTIONS=${option}`, async (t) => {
      const server = await start(t);
      const program = await compile(GETADDRINFO, compiler, temporaryDirectory(t));
      const line = await run(program, [`web.${CLUSTER}`], { RES_OPTIONS: option });
      assert.deepEqual(addressesIn(line).sort(), ['10.96.1.1', 'fd00:10:96::1:1']);
      assert.equal((await server.queries('udp')) === 0, option === 'use-vc');
    });
  }
}

function cAres(start: StartServer): void {
  test('asks for several types at once, and again over TCP where it must', async (t) => {
    const server = await start(t);
    const resolver = new Resolver();
    resolver.setServers(['127.0.0.1']);
    const [a, aaaa, srv, txt, mx, ptr, many, long] = await Promise.all([
      resolver.resolve4(`web.${CLUSTER}`, { ttl: true }),
      resolver.resolve6(`web.${CLUSTER}`),
      resolver.resolveSrv(`_postgres._tcp.db.${CLUSTER}`),
      resolver.resolveTxt('dns-version.cluster.local'),
      resolver.resolveMx('example.org'),
      resolver.reverse('10.96.0.10'),
      resolver.resolve4(`two-hundred.${CLUSTER}`),
      resolver.resolveTxt('long-text.example.org'),
    ]);
    assert.deepEqual(a, [{ address: '10.96.1.1', ttl: 30 }]);
    assert.deepEqual(aaaa, ['fd00:10:96::1:1']);
    assert.equal(srv.length, 3);
    assert.deepEqual(txt, [['1.1.0']]);
    assert.equal(mx.length, 2);
    assert.deepEqual(ptr, ['kube-dns.kube-system.svc.cluster.local']);
    assert.equal(many.length, 200);
    assert.equal(long[0]?.length, 24);
    assert.ok((await server.queries('tcp')) >= 2);
    await assert.rejects(resolver.resolve4('nope.cluster.local'), { code: 'ENOTFOUND' });
    await assert.rejects(resolver.resolve6('mail.example.org'), { code: 'ENODATA' });
  });
}

function tools(start: StartServer): void {
  const name = `web.${CLUSTER}`;
  const crowd = `two-hundred.${CLUSTER}`;

  test('dig: UDP, TCP, search path, reverse, fallback', async (t) => {
    await start(t);
    for (const transport of ['+notcp', '+tcp']) {
      assert.equal(await run('dig', [transport, '+short', name]), '10.96.1.1');
      assert.equal(await run('dig', [transport, '+search', '+short', 'web']), '10.96.1.1');
    }
    assert.equal(
      await run('dig', ['+short', '-x', '10.96.0.10']),
      'kube-dns.kube-system.svc.cluster.local.',
    );
    assert.equal((await run('dig', ['+short', crowd])).split('\n').length, 200);
    assert.match(await run('dig', ['+ignore', crowd]), /flags: [a-z ]*\btc\b/);
    assert.match(await run('dig', ['nope.cluster.local']), /status: NXDOMAIN.*SOA/s);
  });

  test('kdig: with and without EDNS, fallback', async (t) => {
    await start(t);
    assert.equal(await run('kdig', ['+short', name]), '10.96.1.1');
    assert.equal(await run('kdig', ['+edns', '+dnssec', '+short', name]), '10.96.1.1');
    assert.equal((await run('kdig', ['+short', crowd])).split('\n').length, 200);
  });

  test('drill', async (t) => {
    await start(t);
    assert.match(await run('drill', [name, '@127.0.0.1']), /\sA\s+10\.96\.1\.1\n/);
    assert.match(await run('drill', ['-t', crowd, '@127.0.0.1']), /ANSWER: 200,/);
  });

  test('host', async (t) => {
    await start(t);
    const text = await run('host', [name]);
    assert.match(text, /has address 10\.96\.1\.1\n/);
    assert.match(text, /has IPv6 address fd00:10:96::1:1/);
  });
}

if (isInNamespace()) {
  suite('the stand-in', () => stubs(startStandInServer));
  suite('the daemon', () => stubs(startDaemonServer()));
  suite('the daemon without koffi', () => stubs(startDaemonServer('dgram')));
} else test('stubs, in a namespace', (t) => runInNamespace(t, import.meta.filename));
