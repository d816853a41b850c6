/**
 * A real Prometheus: `promtool check metrics` has nothing to say about our exposition, and a Prometheus that scrapes both listeners
 * of the daemon has every family, gives the very counts of the traffic at a query, and a quantile of the durations.
 *
 * It needs Debian's `prometheus`. What is missing is a failure.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { panels } from '../deploy/monitoring.ts';
import { NODE_CACHE_FAMILIES, OWN_FAMILIES } from '../metrics/contract.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { UdpClient } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { addresses, negative } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

/** A start of Prometheus under load takes seconds: it makes a database. */
const READY_TIMEOUT_MS = 60_000;

/** Of what does not happen here: these series begin with the first failed check, and the first stale answer. */
const EMPTY_PANELS = ['Failed health checks', 'Served stale'];

/** Of one name there is a miss and so many hits. */
const HITS = 9;

/** A daemon after some traffic: hits, misses, a denial, and a name that is refused. */
async function startUsedDaemon(t: TestContext): Promise<Daemon> {
  const upstream = await ScriptedUpstream.start(t, (query) =>
    query.question.name === 'gone.test'
      ? negative(query, 3, 'test', 60)
      : addresses(query, '192.0.2.1'),
  );
  const daemon = await startDaemon(t, {
    corefile: ({ dns, prometheus, health }) => `
test:${dns} {
  bind 127.0.0.1
  cache
  errors
  health 127.0.0.1:${health}
  prometheus 127.0.0.1:${prometheus}
  template ANY ANY nobody.test {
    rcode NXDOMAIN
  }
  forward . 127.0.0.1:${upstream.port}
}`,
  });
  const client = await UdpClient.open(daemon.address);
  t.after(() => client.close());
  for (let count = 0; count <= HITS; count++) await client.ask({ name: 'a.test' });
  for (const name of ['gone.test', 'gone.test', 'a.elsewhere']) await client.ask({ name });
  return daemon;
}

test('promtool has no complaint', async (t) => {
  const daemon = await startUsedDaemon(t);
  const response = await fetch(`http://127.0.0.1:${daemon.ports.prometheus}/metrics`);
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const closed = once(child, 'close');
  child.stdin.end(await response.text());
  assert.deepEqual([await output, (await closed)[0]], [['', ''], 0]);
});

/** Prometheus with two targets, whose API is asked for queries. */
class Prometheus {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** Ended when the test ends. */
  static async start(
    t: TestContext,
    targets: Readonly<Record<string, number>>,
  ): Promise<Prometheus> {
    const directory = temporaryDirectory(t);
    const [port] = (await freePorts(1)) as [number];
    const config = join(directory, 'prometheus.json');
    // JSON is YAML.
    const jobs = Object.entries(targets).map(([name, targetPort]) => ({
      job_name: name,
      static_configs: [{ targets: [`127.0.0.1:${targetPort}`] }],
    }));
    // A daemon that is stopped for a while is no failed scrape.
    const global = { scrape_interval: '3s', scrape_timeout: '3s' };
    writeFileSync(config, JSON.stringify({ global, scrape_configs: jobs }));
    const child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    process.once('exit', () => child.kill('SIGKILL'));
    await once(child, 'spawn');
    const prometheus = new Prometheus(child, port);
    t.after(() => prometheus.end());
    await until(
      'Prometheus to be ready',
      async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
      READY_TIMEOUT_MS,
    );
    return prometheus;
  }

  /** `data` of an answer of its HTTP API. */
  async get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const url = `http://127.0.0.1:${this.#port}/api/v1/${path}?${new URLSearchParams(query)}`;
    const body = (await (await fetch(url)).json()) as { status: string; data: unknown };
    assert.equal(body.status, 'success', url);
    return body.data;
  }

  /** The values that a query gives now, in no order. */
  async values(query: string): Promise<number[]> {
    const data = (await this.get('query', { query })) as {
      result: { value: [number, string] }[];
    };
    return data.result.map(({ value }) => Number(value[1]));
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await closed;
  }
}

test('Prometheus scrapes both listeners', async (t) => {
  const daemon = await startUsedDaemon(t);
  const { metrics, prometheus: corefilePort } = daemon.ports;
  const prometheus = await Prometheus.start(t, { own: metrics, corefile: corefilePort });
  await until('two scrapes of each', async () => {
    const counts = await prometheus.values('count_over_time(up[1m]) > 1');
    return counts.length === 2;
  });

  await t.test('without an error', async () => {
    assert.deepEqual(await prometheus.values('up'), [1, 1]);
    const { activeTargets } = (await prometheus.get('targets')) as {
      activeTargets: { lastError: string; health: string }[];
    };
    const states = activeTargets.map(({ lastError, health }) => [health, lastError]);
    assert.deepEqual(states, [
      ['up', ''],
      ['up', ''],
    ]);
  });

  await t.test('and knows the type of every family', async () => {
    const metadata = (await prometheus.get('metadata')) as Record<string, { type: string }[]>;
    for (const { name, type } of [...NODE_CACHE_FAMILIES, ...OWN_FAMILIES]) {
      assert.equal(metadata[name]?.[0]?.type, type, name);
    }
  });

  await t.test('and answers queries with what was counted', async () => {
    const cases: [query: string, expected: number][] = [
      ['sum by (job) (coredns_dns_requests_total{zone="test."})', HITS + 3],
      ['sum by (job) (coredns_dns_responses_total{rcode="REFUSED"})', 1],
      ['coredns_cache_hits_total{type="success"}', HITS],
      ['coredns_cache_hits_total{type="denial"}', 1],
      ['coredns_dns_request_duration_seconds_count{zone="test."}', HITS + 3],
      ['coredns_proxy_request_duration_seconds_count{rcode="NXDOMAIN"}', 1],
      ['coredns_build_info', 1],
    ];
    for (const [query, expected] of cases) {
      assert.deepEqual(await prometheus.values(query), [expected, expected], query);
    }
  });

  await t.test('and makes a quantile of a histogram', async () => {
    const query =
      'histogram_quantile(0.99, coredns_dns_request_duration_seconds_bucket{zone="test."})';
    const values = await prometheus.values(query);
    assert.equal(values.length, 2);
    for (const value of values) assert.ok(value > 0 && value <= 8.192, `${value}`);
  });

  await t.test('and each panel of the dashboard shows something', async () => {
    const empty: string[] = [];
    for (const { title, targets } of panels()) {
      for (const { expr } of targets) {
        const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('"$instance"', '".+"');
        if ((await prometheus.values(query)).length === 0) empty.push(title);
      }
    }
    assert.deepEqual(empty, EMPTY_PANELS);
  });
});
