/**
 * The HTTP endpoint of `pprof`: the paths of Go's net/http/pprof that mean something here, with profiles of the main thread. Profiles
 * are gzipped pprof; with `?format=v8` they are V8's own JSON, which browsers' tools read.
 */
import { promisify } from 'node:util';
import {
  HttpEndpoint,
  type ListenAddress,
  type ListenFailure,
  type Page,
  type Pages,
} from '../base/http-endpoint.ts';
import { encodeCpuProfile, encodeHeapProfile } from './pprof-profile.ts';
import { Profiler } from './profiler.ts';

/** Go's default; and a bound, since a profile holds every sample until its end. */
const SECONDS_DEFAULT = 30;
const SECONDS_MAX = 120;
/** For a profile to be encoded and read. */
const GRACE_MS = 10_000;

const INDEX = `Profiles of the main thread:
/debug/pprof/profile?seconds=30   CPU
/debug/pprof/heap                 what stands on the heap, by who allocated it
/debug/pprof/cmdline              the command line
For go tool pprof; with format=v8 in the query for a browser's tools (.cpuprofile, .heapprofile).
Profiles of goroutines, blocking, mutexes and threads do not exist: this is no Go program.
`;

export class PprofEndpoint {
  readonly #endpoint: HttpEndpoint;
  readonly #profiler: Profiler;

  private constructor(endpoint: HttpEndpoint, profiler: Profiler) {
    this.#endpoint = endpoint;
    this.#profiler = profiler;
  }

  static async open(
    address: ListenAddress,
    onError: (error: Error) => void,
  ): Promise<PprofEndpoint | ListenFailure> {
    const profiler = new Profiler();
    const endpoint = await HttpEndpoint.open(address, pagesOf(profiler), onError);
    if ('code' in endpoint) return endpoint;
    await profiler.start();
    return new PprofEndpoint(endpoint, profiler);
  }

  get port(): number {
    return this.#endpoint.port;
  }

  async close(): Promise<void> {
    await this.#endpoint.close();
    this.#profiler.stop();
  }
}

function pagesOf(profiler: Profiler): Pages {
  const index = () => ({ text: INDEX });
  const timeoutMs = SECONDS_MAX * 1000 + GRACE_MS;
  return {
    '/debug/pprof': index,
    '/debug/pprof/': index,
    '/debug/pprof/cmdline': () => ({ text: process.argv.join('\0') }),
    '/debug/pprof/profile': { get: (query) => cpuPage(profiler, query), timeoutMs },
    '/debug/pprof/heap': { get: (query) => heapPage(profiler, query), timeoutMs: GRACE_MS },
  };
}

async function cpuPage(profiler: Profiler, query: URLSearchParams): Promise<Page> {
  const text = query.get('seconds') ?? String(SECONDS_DEFAULT);
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 1 && seconds <= SECONDS_MAX)) {
    return { status: 400, text: `seconds: expected a whole number from 1 to ${SECONDS_MAX}\n` };
  }
  const profile = await profiler.cpu(seconds * 1000);
  if (profile === undefined) {
    return { status: 503, text: 'Another profile is being taken: ask again when it is done.\n' };
  }
  return isV8(query) ? json(profile) : pprof(await encodeCpuProfile(profile));
}

async function heapPage(profiler: Profiler, query: URLSearchParams): Promise<Page> {
  const profile = await profiler.heap();
  return isV8(query) ? json(profile) : pprof(await encodeHeapProfile(profile));
}

function isV8(query: URLSearchParams): boolean {
  return query.get('format') === 'v8';
}

function json(profile: object): Page {
  return { contentType: 'application/json', text: JSON.stringify(profile) };
}

async function pprof(octets: Uint8Array): Promise<Page> {
  return { contentType: 'application/octet-stream', text: await compressed(octets) };
}

/** Node's zlib is loaded with the first profile: 4 ms of a start. */
function compressed(octets: Uint8Array): Promise<Buffer> {
  return promisify(process.getBuiltinModule('node:zlib').gzip)(octets);
}
