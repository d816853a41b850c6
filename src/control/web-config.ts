/**
 * The file that `prometheus { tls CONFIG_FILE }` names: the web configuration that Prometheus' exporters share (YAML,
 * exporter-toolkit's docs/web-configuration.md), as options of node:tls. Only `tls_server_config` is served, without
 * `client_allowed_sans`; any other key is an error, for a setting that guards the metrics must not be passed over.
 *
 * Errors name the place in this file. Paths in it are relative to its folder. It is read each time it is asked for.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SecureVersion, TLSSocket, TlsOptions } from 'node:tls';
import type { Document, LineCounter } from 'yaml';
import { digestOf } from '../base/digest.ts';
import type { EndpointTls } from '../base/http-endpoint.ts';
import { CorefileError, type Word } from '../corefile/ast.ts';

export interface WebConfig {
  readonly tls: EndpointTls;
  /** SHA-256 of the file with the certificates and the key that it names, in hexadecimal. */
  readonly digest: string;
}

const SECTION = 'tls_server_config';
/** A key with `_file` behind it names a file that holds what the key itself would hold. */
const PEM_KEYS = ['cert', 'key', 'client_ca'] as const;
const KEYS = [
  ...PEM_KEYS.flatMap((key) => [key, `${key}_file`]),
  'client_auth_type',
  'min_version',
  'max_version',
  'cipher_suites',
  'prefer_server_cipher_suites',
  'curve_preferences',
];
type PemKey = (typeof PEM_KEYS)[number];

interface ClientAuth {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly verifies: boolean;
  readonly admits: EndpointTls['admits'];
}

const REQUEST: ClientAuth = {
  requestCert: true,
  rejectUnauthorized: false,
  verifies: false,
  admits: () => true,
};
const REQUIRE_ANY: ClientAuth = { ...REQUEST, admits: hasCertificate };

/** Go's crypto/tls.ClientAuthType; node:tls knows the first and the last, the others are decided after the handshake. */
const CLIENT_AUTH: Readonly<Record<string, ClientAuth>> = {
  NoClientCert: { ...REQUEST, requestCert: false },
  RequestClientCert: REQUEST,
  RequireAnyClientCert: REQUIRE_ANY,
  // Its name in exporter-toolkit's first versions, which is still accepted there.
  RequireClientCert: REQUIRE_ANY,
  VerifyClientCertIfGiven: {
    ...REQUEST,
    verifies: true,
    admits: (socket) => socket.authorized || !hasCertificate(socket),
  },
  RequireAndVerifyClientCert: {
    requestCert: true,
    rejectUnauthorized: true,
    verifies: true,
    admits: (socket) => socket.authorized,
  },
};

const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** TLS 1.3 has these whatever `cipher_suites` says, as in Go. */
const TLS13_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];
/** What Go's crypto/tls.CipherSuites lists, in OpenSSL's spelling. */
const CIPHERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(TLS13_CIPHERS.map((name) => [name, name])),
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
};

const CURVES: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
  SecP256r1MLKEM768: 'SecP256r1MLKEM768',
  SecP384r1MLKEM1024: 'SecP384r1MLKEM1024',
};

function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}

/** Rejects with a `CorefileError`, at `named` where the file cannot be read, else at the place in the file. */
export async function readWebConfig(named: Word): Promise<WebConfig> {
  const file = await WebConfigFile.read(named);
  file.allow([], [SECTION]);
  file.allow([SECTION], KEYS);
  const clientAuth = file.choice('client_auth_type', CLIENT_AUTH) ?? CLIENT_AUTH['NoClientCert']!;
  const options: TlsOptions = {
    cert: file.pem('cert') ?? file.fail(undefined, 'expected cert_file or cert'),
    key: file.pem('key') ?? file.fail(undefined, 'expected key_file or key'),
    requestCert: clientAuth.requestCert,
    rejectUnauthorized: clientAuth.rejectUnauthorized,
    ...clientCa(file, clientAuth),
    ...protocol(file),
  };
  try {
    process.getBuiltinModule('node:tls').createSecureContext(options);
  } catch (error) {
    file.fail(undefined, (error as Error).message);
  }
  const contents = [file.text, options.cert, options.key, options.ca];
  const digest = digestOf('sha256', [JSON.stringify(contents)]).toString('hex');
  return { tls: { options, admits: clientAuth.admits }, digest };
}

function clientCa(file: WebConfigFile, { requestCert, verifies }: ClientAuth): TlsOptions {
  const ca = file.pem('client_ca');
  if (ca === undefined) {
    // The system's authorities, whom Go takes then, vouch for servers and would let in half the world.
    if (verifies) file.fail('client_auth_type', 'expected client_ca_file or client_ca too');
    return {};
  }
  if (!requestCert) file.fail(undefined, 'client_ca_file: expected a client_auth_type too');
  try {
    // node:tls passes over a text without a certificate, and would trust nobody.
    const { X509Certificate } = process.getBuiltinModule('node:crypto');
    new X509Certificate(ca);
  } catch (error) {
    file.fail(undefined, `client_ca_file: ${(error as Error).message}`);
  }
  return { ca };
}

function protocol(file: WebConfigFile): TlsOptions {
  const minVersion = file.choice('min_version', VERSIONS) ?? 'TLSv1.2';
  const maxVersion = file.choice('max_version', VERSIONS) ?? 'TLSv1.3';
  // The spellings sort as the versions do.
  if (minVersion > maxVersion) file.fail('max_version', 'expected at least min_version');
  const suites = file.choices('cipher_suites', CIPHERS);
  const curves = file.choices('curve_preferences', CURVES);
  const ciphers = suites && [...new Set([...TLS13_CIPHERS, ...suites])].join(':');
  const { DEFAULT_CIPHERS } = process.getBuiltinModule('node:tls');
  return {
    minVersion,
    maxVersion,
    honorCipherOrder: file.flag('prefer_server_cipher_suites') ?? true,
    ...(ciphers && { ciphers }),
    // OpenSSL 3 has no signature for these versions (RFC 8996) at its usual level.
    ...(minVersion < 'TLSv1.2' && { ciphers: `${ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0` }),
    ...(curves && { ecdhCurve: curves.join(':') }),
  };
}

/** The parsed file: settings of its section by key, each undefined where it is missing or empty, as in Go. */
class WebConfigFile {
  readonly text: string;
  readonly #path: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #root: unknown;

  private constructor(path: string, text: string, document: Document, lines: LineCounter) {
    this.text = text;
    this.#path = path;
    this.#document = document;
    this.#lines = lines;
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) this.#failAt(problem.pos[0], problem.message);
    try {
      this.#root = document.toJS();
    } catch (error) {
      this.#failAt(0, (error as Error).message);
    }
  }

  static async read({ text: path, at }: Word): Promise<WebConfigFile> {
    // Most daemons have no such file, and need no parser for it.
    const { LineCounter, parseDocument } = await import('yaml');
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      throw new CorefileError(at, `tls: ${(error as Error).message}`, 'prometheus');
    }
    const lineCounter = new LineCounter();
    // 1.1 is the YAML of exporter-toolkit's parser.
    const options = { version: '1.1', lineCounter, prettyErrors: false } as const;
    return new WebConfigFile(path, text, parseDocument(text, options), lineCounter);
  }

  /** Makes sure that there is a mapping, and that it holds none but these keys. */
  allow(path: readonly string[], keys: readonly string[]): void {
    const mapping = this.#valueAt(path);
    if (typeof mapping !== 'object' || mapping === null || Array.isArray(mapping)) {
      this.#failIn(path, `expected a mapping of ${keys.join(', ')}`);
    }
    for (const key of Object.keys(mapping)) {
      if (keys.includes(key)) continue;
      this.#failIn([...path, key], `not supported: expected ${keys.join(', ')}`);
    }
  }

  /** The text of a PEM file, or what stands here in its place. */
  pem(key: PemKey): string | undefined {
    const inline = this.#string(key);
    const path = this.#string(`${key}_file`);
    if (path === undefined) return inline;
    if (inline !== undefined) this.fail(key, `expected ${key}_file or ${key}, not both`);
    try {
      return readFileSync(resolve(dirname(this.#path), path), 'utf8');
    } catch (error) {
      return this.fail(`${key}_file`, (error as Error).message);
    }
  }

  flag(key: string): boolean | undefined {
    const value = this.#setting(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.fail(key, 'expected true or false');
  }

  /** What the text means. */
  choice<Meaning>(key: string, meanings: Readonly<Record<string, Meaning>>): Meaning | undefined {
    const text = this.#string(key);
    return text === undefined ? undefined : this.#meaning(key, text, meanings);
  }

  /** What each text of a list means. */
  choices<Meaning>(
    key: string,
    meanings: Readonly<Record<string, Meaning>>,
  ): Meaning[] | undefined {
    const list = this.#setting(key);
    if (list === undefined) return undefined;
    if (!Array.isArray(list)) return this.fail(key, 'expected a list');
    return list.length === 0 ? undefined : list.map((text) => this.#meaning(key, text, meanings));
  }

  /** At a key of the section, or at the section itself. */
  fail(key: string | undefined, problem: string): never {
    return this.#failIn(key === undefined ? [SECTION] : [SECTION, key], problem);
  }

  #meaning<Meaning>(
    key: string,
    text: unknown,
    meanings: Readonly<Record<string, Meaning>>,
  ): Meaning {
    const meaning = typeof text === 'string' && Object.hasOwn(meanings, text) && meanings[text];
    if (meaning) return meaning;
    return this.fail(key, `'${text}': expected ${Object.keys(meanings).join(', ')}`);
  }

  #string(key: string): string | undefined {
    const value = this.#setting(key);
    if (value === undefined || typeof value === 'string') return value;
    return this.fail(key, 'expected a text');
  }

  #setting(key: string): unknown {
    const value = this.#valueAt([SECTION, key]);
    return value === null || value === '' ? undefined : value;
  }

  #valueAt(path: readonly string[]): unknown {
    return path.reduce(
      (value, key) => (value as Record<string, unknown> | null | undefined)?.[key],
      this.#root,
    );
  }

  #failIn(path: readonly string[], problem: string): never {
    const node = this.#document.getIn(path, true) as { range?: readonly number[] } | undefined;
    const subject = path.length === 0 ? '' : `${path.join('.')}: `;
    return this.#failAt(node?.range?.[0] ?? 0, subject + problem);
  }

  #failAt(offset: number, problem: string): never {
    const { line, col } = this.#lines.linePos(offset);
    // An empty file has no line.
    const at = { file: this.#path, line: Math.max(1, line), column: Math.max(1, col) };
    throw new CorefileError(at, problem, 'prometheus');
  }
}
