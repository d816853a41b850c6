/**
 * The kube-dns ConfigMap: `stubDomains`, a JSON object of domains to lists of servers, and `upstreamNameservers`, a JSON list.
 * What is wrong is refused alone and reported; the rest counts. Of what is refused as a whole (a key, or a domain with none but bad
 * servers) the last good value stays, as the whole ConfigMap's does in node-cache.
 */

import type { Problem, ProblemKind } from './problem.ts';
import { addressServerOf, domainOf, stubServerOf } from './stub-server.ts';

export interface KubeDnsSettings {
  /** Servers as `forward` takes them, by domain; in the order of the domains, whatever the order in the file. */
  readonly stubDomains: ReadonlyMap<string, readonly string[]>;
  /** Empty: those of /etc/resolv.conf. */
  readonly upstreamNameservers: readonly string[];
}

export const NO_SETTINGS: KubeDnsSettings = { stubDomains: new Map(), upstreamNameservers: [] };

/** The bound of Kubernetes' resolv.conf, which kube-dns and node-cache keep. */
export const UPSTREAMS_MAX = 3;
/** CoreDNS's bound on the servers of one `forward`. */
export const STUB_SERVERS_MAX = 15;
/** Each is a server block with a cache of its own; node-cache has no bound, and clusters have a dozen. */
export const STUB_DOMAINS_MAX = 256;

/** A key of the ConfigMap: its file and text; undefined: it is there, but cannot be read, which is reported already. */
export interface ConfigMapKey {
  readonly path: string;
  readonly text: string | undefined;
}

export interface KubeDnsReading {
  readonly settings: KubeDnsSettings;
  readonly problems: readonly Problem[];
  /** What is ignored by intention. */
  readonly notes: readonly string[];
}

/** `keys` by name; `lastGood` is what stands in for a value that is wrong as a whole. */
export function readKubeDns(
  keys: ReadonlyMap<string, ConfigMapKey>,
  lastGood: KubeDnsSettings,
): KubeDnsReading {
  const problems: Problem[] = [];
  const notes: string[] = [];
  for (const [name, { path }] of keys) {
    if (name === 'federations') {
      notes.push(
        `${path}: ignored: federations are gone from Kubernetes, and nothing asks for them`,
      );
    } else if (name !== 'stubDomains' && name !== 'upstreamNameservers') {
      notes.push(`${path}: ignored: expected the keys stubDomains and upstreamNameservers`);
    }
  }
  const stubDomains = new Reader(keys.get('stubDomains'), problems).stubDomains(lastGood);
  const upstreamNameservers = new Reader(keys.get('upstreamNameservers'), problems).upstreams(
    lastGood,
  );
  return { settings: { stubDomains, upstreamNameservers }, problems, notes };
}

/** One key. */
class Reader {
  readonly #key: ConfigMapKey | undefined;
  readonly #problems: Problem[];

  constructor(key: ConfigMapKey | undefined, problems: Problem[]) {
    this.#key = key;
    this.#problems = problems;
  }

  stubDomains({ stubDomains: lastGood }: KubeDnsSettings): ReadonlyMap<string, readonly string[]> {
    if (this.#key === undefined) return new Map();
    const json = this.#json();
    if (json === undefined) return lastGood;
    if (!isObject(json)) {
      this.#refuse('json', 'expected an object of lists, such as {"acme.local": ["10.0.0.1"]}');
      return lastGood;
    }
    const found = new Map<string, readonly string[]>();
    for (const [text, list] of Object.entries(json)) {
      const domain = domainOf(text);
      if (domain === undefined) {
        this.#refuse('domain', `${quoted(text)}: expected a domain name such as acme.local`);
      } else if (found.has(domain)) {
        this.#refuse('duplicate', `${quoted(text)}: expected each domain once`);
      } else if (found.size === STUB_DOMAINS_MAX) {
        this.#refuse('excess', `${quoted(text)}: expected at most ${STUB_DOMAINS_MAX} domains`);
      } else {
        const servers = this.#stubServers(text, list);
        const kept = servers.length > 0 ? servers : (lastGood.get(domain) ?? []);
        if (kept.length > 0) found.set(domain, kept);
      }
    }
    return new Map([...found].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  upstreams({ upstreamNameservers: lastGood }: KubeDnsSettings): readonly string[] {
    if (this.#key === undefined) return [];
    const json = this.#json();
    if (json === undefined) return lastGood;
    if (!Array.isArray(json)) {
      this.#refuse('json', 'expected a list, such as ["8.8.8.8", "8.8.4.4"]');
      return lastGood;
    }
    const servers = this.#servers(json, '', {
      read: addressServerOf,
      expected: 'expected IP or IP:PORT',
      max: UPSTREAMS_MAX,
    });
    return servers.length > 0 || json.length === 0 ? servers : lastGood;
  }

  #stubServers(domain: string, list: unknown): readonly string[] {
    if (!Array.isArray(list)) {
      this.#refuse('json', `${quoted(domain)}: expected a list of servers`);
      return [];
    }
    if (list.length === 0) {
      this.#refuse('empty', `${quoted(domain)}: expected at least one server`);
    }
    return this.#servers(list, `${quoted(domain)}: `, {
      read: stubServerOf,
      expected: 'expected IP, IP:PORT or a host name',
      max: STUB_SERVERS_MAX,
    });
  }

  #servers(
    list: readonly unknown[],
    prefix: string,
    {
      read,
      expected,
      max,
    }: { read: (text: string) => string | undefined; expected: string; max: number },
  ): readonly string[] {
    const servers = new Set<string>();
    for (const entry of list) {
      const server = typeof entry === 'string' ? read(entry) : undefined;
      if (server === undefined) {
        this.#refuse('server', `${prefix}${quoted(entry)}: ${expected}`);
      } else if (servers.size === max && !servers.has(server)) {
        this.#refuse('excess', `${prefix}${quoted(entry)}: expected at most ${max} servers`);
      } else {
        servers.add(server);
      }
    }
    return [...servers];
  }

  /** Undefined where there is none, which has been reported. */
  #json(): unknown {
    const { text } = this.#key!;
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      this.#refuse('json', `expected JSON: ${(error as Error).message}`);
      return undefined;
    }
  }

  #refuse(kind: ProblemKind, problem: string): void {
    this.#problems.push({ kind, text: `${this.#key!.path}: ${problem}` });
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** An entry is named in the log, but not at any length. */
const QUOTED_SIZE_MAX = 300;

function quoted(entry: unknown): string {
  const text = JSON.stringify(entry);
  return text.length <= QUOTED_SIZE_MAX ? text : `${text.slice(0, QUOTED_SIZE_MAX)}...`;
}
