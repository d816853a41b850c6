/** Web configuration files: what becomes of their settings, seen from clients, and what is wrong with others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { HttpEndpoint } from '../../src/base/http-endpoint.ts';
import { readWebConfig } from '../../src/control/web-config.ts';
import { CorefileError } from '../../src/corefile/ast.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { CERTIFICATE, KEY } from '../upstream/support-certificate.ts';

/** Self-signed as the other one is, by a key of its own, for stranger.example.net and 127.0.0.1. */
const STRANGER = `
-----BEGIN CERTIFICATE-----
MIIBvDCCAWKgAwIBAgIUUB97SKqa2UCKMTshG+4W5UvQiWIwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUc3RyYW5nZXIuZXhhbXBsZS5uZXQwIBcNMjYxMTIzMDI0MDMz
WhgPMjEyNjEwMzAwMjQwMzNaMB8xHTAbBgNVBAMMFHN0cmFuZ2VyLmV4YW1wbGUu
bmV0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEI84L3V+RY8mB7qXs3HqqMRTy
vlfGkHNoRLD3/abjp02sdjFPQAvX8eQ1rUkkgmWIhb98ZPEPOcl0UFEGez05HKN6
MHgwHQYDVR0OBBYEFDyxn2bn4yzjEjIiqLkIPrKksWeHMB8GA1UdIwQYMBaAFDyx
n2bn4yzjEjIiqLkIPrKksWeHMA8GA1UdEwEB/wQFMAMBAf8wJQYDVR0RBB4wHIIU
c3RyYW5nZXIuZXhhbXBsZS5uZXSHBH8AAAEwCgYIKoZIzj0EAwIDSAAwRQIga9V+
J59DiOXI0D7DMo1AC8ixpd8pysajl5/Gpx5e/0cCIQDRI6D2ZMpiagT1cwICi5Bk
JZNwJjfYBtrxrVYXhWOjVw==
-----END CERTIFICATE-----
`;
const STRANGER_KEY = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgz/JsH1mQ6A0Jc5Mx
cNCgxZF6WqiVb5k4lDi4Vkf8GjehRANCAAQjzgvdX5FjyYHupezceqoxFPK+V8aQ
c2hEsPf9puOnTax2MU9AC9fx5DWtSSSCZYiFv3xk8Q85yXRQUQZ7PTkc
-----END PRIVATE KEY-----
`;

const AT = { file: 'Corefile', line: 3, column: 9 };

interface Written {
  readonly directory: string;
  readonly path: string;
}

/** A folder with the certificates and this text as `web.yml`. */
function write(t: TestContext, text: string): Written {
  const directory = temporaryDirectory(t);
  const files = { 'web.yml': text, 'cert.pem': CERTIFICATE, 'key.pem': KEY };
  const others = { 'stranger.pem': STRANGER, 'stranger-key.pem': STRANGER_KEY, 'none.pem': 'none' };
  for (const [name, content] of Object.entries({ ...files, ...others })) {
    writeFileSync(join(directory, name), content);
  }
  return { directory, path: join(directory, 'web.yml') };
}

const read = ({ path }: Written) => readWebConfig({ text: path, at: AT });

/** A section with the server's certificate and these lines. */
const section = (...lines: string[]) =>
  ['tls_server_config:', 'cert_file: cert.pem', 'key_file: key.pem', ...lines].join('\n  ');

async function open(t: TestContext, ...lines: string[]): Promise<HttpEndpoint> {
  const { tls } = await read(write(t, section(...lines)));
  const address = { host: '127.0.0.1', port: 0 };
  const pages = { '/text': () => ({ text: 'text' }) };
  const endpoint = await HttpEndpoint.open(address, pages, assert.fail, tls);
  assert.ok(endpoint instanceof HttpEndpoint);
  t.after(() => endpoint.close());
  return endpoint;
}

/** The status of a response, or `refused`. */
async function ask(endpoint: HttpEndpoint, client: ConnectionOptions = {}): Promise<unknown> {
  const url = `https://127.0.0.1:${endpoint.port}/text`;
  const request = get(url, { ca: CERTIFICATE, agent: false, ...client });
  try {
    const [response] = await once(request, 'response');
    response.resume();
    return response.statusCode;
  } catch {
    return 'refused';
  }
}

/** Protocol and cipher of a handshake, or the error's code. */
async function shakeHands(endpoint: HttpEndpoint, client: ConnectionOptions = {}) {
  const options = { host: '127.0.0.1', port: endpoint.port, ca: CERTIFICATE, ...client };
  const socket = connect(options);
  try {
    await once(socket, 'secureConnect');
    const { type: group, name: curve } = socket.getEphemeralKeyInfo() as Record<string, string>;
    const { name: cipher } = socket.getCipher();
    return { version: socket.getProtocol(), cipher, group: curve ?? group };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
  }
}

describe('client_auth_type', () => {
  const KNOWN = { cert: CERTIFICATE, key: KEY };
  const UNKNOWN = { cert: STRANGER, key: STRANGER_KEY };
  const ca = 'client_ca_file: cert.pem';
  for (const [lines, expected] of [
    [[], [200, 200, 200]],
    [['client_auth_type: NoClientCert'], [200, 200, 200]],
    [['client_auth_type: RequestClientCert'], [200, 200, 200]],
    [['client_auth_type: RequireAnyClientCert'], ['refused', 200, 200]],
    [['client_auth_type: RequireClientCert'], ['refused', 200, 200]],
    [
      ['client_auth_type: VerifyClientCertIfGiven', ca],
      [200, 'refused', 200],
    ],
    [
      ['client_auth_type: RequireAndVerifyClientCert', ca],
      ['refused', 'refused', 200],
    ],
  ] as const) {
    test(lines[0] ?? 'none', async (t) => {
      const endpoint = await open(t, ...lines);
      const answers = [await ask(endpoint)];
      for (const client of [UNKNOWN, KNOWN]) answers.push(await ask(endpoint, client));
      assert.deepEqual(answers, expected);
    });
  }
});

describe('protocol', () => {
  /** What a client offers that has only the versions before TLS 1.2. */
  const OLD = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
  const UP_TO_12 = { maxVersion: 'TLSv1.2' } as const;

  test('TLS 1.2 and 1.3 where nothing is said', async (t) => {
    const endpoint = await open(t);
    assert.partialDeepStrictEqual(await shakeHands(endpoint), { version: 'TLSv1.3' });
    assert.partialDeepStrictEqual(await shakeHands(endpoint, UP_TO_12), { version: 'TLSv1.2' });
    assert.equal(await shakeHands(endpoint, OLD), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test('min_version', async (t) => {
    const only13 = await open(t, 'min_version: TLS13');
    const refused = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION';
    assert.equal(await shakeHands(only13, UP_TO_12), refused);
    const old = await open(t, 'min_version: TLS10');
    assert.partialDeepStrictEqual(await shakeHands(old, OLD), { version: 'TLSv1.1' });
    assert.partialDeepStrictEqual(await shakeHands(old), { version: 'TLSv1.3' });
  });

  test('max_version', async (t) => {
    const endpoint = await open(t, 'max_version: TLS12');
    assert.partialDeepStrictEqual(await shakeHands(endpoint), { version: 'TLSv1.2' });
  });

  test('cipher_suites: up to TLS 1.2, and 1.3 has its own', async (t) => {
    const suite = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA]';
    const endpoint = await open(t, suite);
    const cipher = 'ECDHE-ECDSA-AES256-SHA';
    assert.partialDeepStrictEqual(await shakeHands(endpoint, UP_TO_12), { cipher });
    assert.partialDeepStrictEqual(await shakeHands(endpoint), { version: 'TLSv1.3' });
    const old = await open(t, suite, 'min_version: TLS11');
    assert.partialDeepStrictEqual(await shakeHands(old, OLD), { version: 'TLSv1.1', cipher });
  });

  test('prefer_server_cipher_suites: whose order counts', async (t) => {
    const names = ['AES_256_GCM_SHA384', 'AES_128_GCM_SHA256'];
    const suites = `cipher_suites: [${names.map((name) => `TLS_ECDHE_ECDSA_WITH_${name}`)}]`;
    const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';
    for (const [line, cipher] of [
      ['prefer_server_cipher_suites: true', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
      ['prefer_server_cipher_suites: no', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ] as const) {
      const endpoint = await open(t, suites, line);
      const hands = await shakeHands(endpoint, { ...UP_TO_12, ciphers });
      assert.partialDeepStrictEqual(hands, { cipher });
    }
  });

  test('curve_preferences', async (t) => {
    const endpoint = await open(t, 'curve_preferences: [CurveP521, CurveP384]');
    for (const group of ['P-384', 'P-521']) {
      assert.notEqual(typeof (await shakeHands(endpoint, { ecdhCurve: group })), 'string');
    }
    const refused = await shakeHands(endpoint, { ecdhCurve: 'X25519' });
    assert.equal(typeof refused, 'string');
    for (const name of ['CurveP256', 'X25519', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024']) {
      const [, group] = /^(?:Curve)?(.*)$/.exec(name)!;
      const only = await open(t, `curve_preferences: [${name}]`);
      const ecdhCurve = group!.replace(/^P(\d)/, 'P-$1');
      assert.notEqual(typeof (await shakeHands(only, { ecdhCurve })), 'string', name);
    }
  });
});

describe('the file', () => {
  test('certificates may stand in it', async (t) => {
    const indented = (pem: string) => pem.trim().replaceAll('\n', '\n    ');
    const text = `tls_server_config:\n  cert: |\n    ${indented(CERTIFICATE)}\n  key: |\n    ${indented(KEY)}\n`;
    const { tls } = await read(write(t, text));
    assert.equal(tls.options.cert, `${CERTIFICATE.trim()}\n`);
  });

  test('the digest is of the file and of what it names', async (t) => {
    const written = write(
      t,
      section('client_auth_type: RequireAndVerifyClientCert', 'client_ca_file: ca.pem'),
    );
    const put = (name: string, text: string) => writeFileSync(join(written.directory, name), text);
    put('ca.pem', CERTIFICATE);
    const digests = [(await read(written)).digest];
    assert.equal((await read(written)).digest, digests[0]);
    put('ca.pem', STRANGER);
    digests.push((await read(written)).digest);
    put('cert.pem', STRANGER);
    put('key.pem', STRANGER_KEY);
    digests.push((await read(written)).digest);
    put('web.yml', section());
    digests.push((await read(written)).digest);
    assert.equal(new Set(digests).size, digests.length);
  });

  test('one that cannot be read is an error at the directive', async () => {
    const error = await failureOf(readWebConfig({ text: '/nowhere/web.yml', at: AT }));
    assert.match(error.message, /^Corefile:3:9: prometheus: tls: .*'\/nowhere\/web\.yml'/);
  });
});

async function failureOf(reading: Promise<unknown>): Promise<CorefileError> {
  try {
    await reading;
  } catch (error) {
    assert.ok(error instanceof CorefileError, String(error));
    return error;
  }
  return assert.fail('expected an error');
}

describe('what is wrong', () => {
  const verify = 'client_auth_type: RequireAndVerifyClientCert';
  const wrong: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'an empty file': ['', /^1:1: prometheus: expected a mapping of tls_server_config$/],
    'a list': ['- a', /^1:1: prometheus: expected a mapping/],
    'no section': ['{}', /^1:1: prometheus: tls_server_config: expected a mapping of cert/],
    'an empty section': ['tls_server_config:', /^1:19: .*tls_server_config: expected a mapping/],
    'a text in place of the section': ['tls_server_config: no', /tls_server_config: expected a/],
    'what is no YAML': ['a: "b\n', /^\d+:\d+: prometheus: /],
    'two documents': ['a: b\n---\nc: d\n', /^\d+:\d+: prometheus: .*documents/],
    'a key twice': [section('key_file: key.pem'), /^4:3: .*unique/],
    'an alias of nothing': ['tls_server_config: *nothing', /nothing/],
    'a tag that means nothing': [section('min_version: !odd TLS12'), /^4:\d+: .*!odd/],
    basic_auth_users: [
      `${section()}\nbasic_auth_users:\n  a: b\n`,
      /^5:3: .*basic_auth_users: not supp/,
    ],
    http_server_config: [
      `${section()}\nhttp_server_config: {}`,
      /http_server_config: not supported/,
    ],
    rate_limit: [`${section()}\nrate_limit: {}`, /^4:13: prometheus: rate_limit: not supported/],
    client_allowed_sans: [
      section('client_allowed_sans: [a]'),
      /client_allowed_sans: not supported/,
    ],
    'an unknown key': [
      section('colour: red'),
      /^4:11: .*tls_server_config\.colour: not supported: ex/,
    ],
    'a key of every object': [section('__proto__: {}'), /__proto__: not supported/],
    'no cert_file': [
      'tls_server_config:\n  key_file: key.pem',
      /^2:3: .* expected cert_file or cert$/,
    ],
    'no key_file': ['tls_server_config:\n  cert_file: cert.pem', /expected key_file or key$/],
    'cert and cert_file': [
      section('cert: abc'),
      /tls_server_config\.cert: expected cert_file or cert, /,
    ],
    'a file that is not there': [
      'tls_server_config:\n  cert_file: gone.pem',
      /^2:14: .*tls_server_config\.cert_file: ENOENT.*gone\.pem/,
    ],
    'a certificate that is none': [
      'tls_server_config:\n  cert_file: none.pem\n  key_file: key.pem',
      /^2:3: prometheus: tls_server_config: .*start line/,
    ],
    'a key of another certificate': [
      'tls_server_config:\n  cert_file: cert.pem\n  key_file: stranger-key.pem',
      /tls_server_config: .*mismatch/,
    ],
    'a client_ca_file that holds none': [
      section(verify, 'client_ca_file: none.pem'),
      /client_ca_file: /,
    ],
    'an authority for nobody': [section('client_ca_file: cert.pem'), /expected a client_auth_type/],
    'nobody to verify by': [section(verify), /^4:21: .*client_auth_type: expected client_ca_file/],
    'another client_auth_type': [
      section('client_auth_type: Some'),
      /'Some': expected NoClientCert, RequestClientCert, /,
    ],
    'a client_auth_type of every object': [
      section('client_auth_type: toString'),
      /'toString': exp/,
    ],
    'another version': [section('min_version: 1.2'), /min_version: expected a text$/],
    'a version that is none': [
      section('max_version: TLS14'),
      /max_version: 'TLS14': expected TLS10, /,
    ],
    'versions the wrong way round': [
      section('min_version: TLS13', 'max_version: TLS12'),
      /max_version: expected at least min_version/,
    ],
    'a cipher that Go has not': [
      section('cipher_suites: [RC4]'),
      /cipher_suites: 'RC4': expected TLS_/,
    ],
    'ciphers that are no list': [section('cipher_suites: RC4'), /cipher_suites: expected a list/],
    'a curve that Go has not': [section('curve_preferences: [P-1]'), /'P-1': expected CurveP256, /],
    'a flag that is none': [
      section('prefer_server_cipher_suites: some'),
      /prefer_server_cipher_suites: expected true or false/,
    ],
  };
  for (const [name, [text, message]] of Object.entries(wrong)) {
    test(name, async (t) => {
      const written = write(t, text);
      const error = await failureOf(read(written));
      assert.ok(error.message.startsWith(`${written.path}:`), error.message);
      assert.match(error.message.slice(written.path.length + 1), message);
    });
  }
});
