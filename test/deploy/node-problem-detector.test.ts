/**
 * The plugin of node-problem-detector, run as its configuration has it, against a real daemon: healthy, not ready, gone; by each of
 * the tools that it can ask with.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import { Ajv } from 'ajv';
import { startDaemon } from '../support/daemon.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { MONITORING } from './monitoring.ts';

const FOLDER = join(MONITORING, 'node-problem-detector');
const SCRIPT = join(FOLDER, 'dns-health.sh');
const MONITOR = JSON.parse(readFileSync(join(FOLDER, 'dns-monitor.json'), 'utf8'));
const TOOLS = ['curl', 'wget', 'bash'];

function pathOf(program: string): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return stdout.trim() || undefined;
}

/** A PATH with one of the tools that ask, and what every system has. */
function pathWith(t: TestContext, ...tools: string[]): string {
  const folder = temporaryDirectory(t);
  for (const program of [...tools, 'sed', 'grep', 'tail', 'head', 'tr', 'timeout', 'cat']) {
    symlinkSync(pathOf(program)!, join(folder, program));
  }
  return folder;
}

async function run(
  args: readonly string[],
  PATH = process.env['PATH']!,
): Promise<[unknown, string]> {
  const child = spawn('/bin/sh', [SCRIPT, ...args], { env: { PATH } });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return [code, output.trimEnd()];
}

test('the configuration is one of node-problem-detector', () => {
  const fields = (...names: string[]) => {
    return { type: 'object', additionalProperties: false, required: names };
  };
  const word = { type: 'string', pattern: '^[A-Z][A-Za-z]+$' };
  const line = { type: 'string', minLength: 1 };
  const duration = { type: 'string', pattern: '^[1-9][0-9]*s$' };
  const validate = new Ajv({ strict: false }).compile({
    ...fields('plugin', 'pluginConfig', 'source', 'metricsReporting', 'conditions', 'rules'),
    properties: {
      plugin: { const: 'custom' },
      pluginConfig: {
        ...fields('invoke_interval', 'timeout', 'max_output_length', 'concurrency'),
        properties: {
          invoke_interval: duration,
          timeout: duration,
          max_output_length: { type: 'integer' },
          concurrency: { type: 'integer' },
        },
      },
      source: line,
      metricsReporting: { type: 'boolean' },
      conditions: {
        type: 'array',
        items: {
          ...fields('type', 'reason', 'message'),
          properties: { type: word, reason: word, message: line },
        },
      },
      rules: {
        type: 'array',
        items: {
          ...fields('type', 'condition', 'reason', 'path', 'args', 'timeout'),
          properties: {
            type: { const: 'permanent' },
            condition: { enum: MONITOR.conditions.map(({ type }: { type: string }) => type) },
            reason: word,
            // A mounted file is not executable unless somebody says so.
            path: { const: '/bin/sh' },
            args: {
              type: 'array',
              prefixItems: [{ const: '/custom-config/dns-health.sh' }],
              items: line,
            },
            timeout: duration,
          },
        },
      },
    },
  });
  validate(MONITOR);
  assert.equal(validate.errors, null);
  // A rule's reason must differ from its condition's: that one means that all is well.
  const reasons = [...MONITOR.conditions, ...MONITOR.rules].map(({ reason }) => reason);
  assert.equal(new Set(reasons).size, reasons.length);
});

suite('against a daemon', () => {
  for (const tool of TOOLS) {
    const skip = pathOf(tool) === undefined ? `needs ${tool}` : false;
    test(`with ${tool}`, { skip }, async (t) => {
      const upstream = await ScriptedUpstream.start(t, (query) => {
        return query.question.name.startsWith('drop') || query.question.type === 'HINFO'
          ? 'drop'
          : addresses(query, '192.0.2.1');
      });
      const daemon = await startDaemon(t, {
        corefile: (ports) =>
          `. {\n bind 127.0.0.1\n forward . 127.0.0.1:${upstream.port}\n health 127.0.0.1:${ports.health}\n}\n`,
      });
      const PATH = pathWith(t, tool);
      const address = `127.0.0.1:${daemon.ports.health}`;
      for (const page of MONITOR.rules.map(({ args }: { args: string[] }) => args[1])) {
        await until(page, async () => {
          const said = page === 'health' ? 'the DNS cache is healthy' : 'the DNS cache is ready';
          assert.deepEqual(await run([page, address], PATH), [0, said]);
        });
      }
      await daemon.stop();
      for (const page of ['health', 'ready']) {
        const gone = `no DNS cache answers at ${address}`;
        assert.deepEqual(await run([page, address], PATH), [1, gone]);
      }
    });
  }

  test('not ready, with the reason', async (t) => {
    const upstream = await ScriptedUpstream.start(t, () => 'drop');
    const daemon = await startDaemon(t, {
      corefile: (ports) =>
        `. {\n bind 127.0.0.1\n forward . 127.0.0.1:${upstream.port}\n health 127.0.0.1:${ports.health}\n}\n`,
      args: ['-ready-upstream', '1s'],
    });
    const address = `127.0.0.1:${daemon.ports.health}`;
    await until('it is not ready', async () => {
      const [code, line] = await run(['ready', address]);
      assert.equal(code, 1);
      assert.match(
        String(line),
        /^the DNS cache is not ready(: no upstream has answered for 1s)?$/,
      );
    });
    await until('it is healthy', async () => {
      assert.deepEqual(await run(['health', address]), [0, 'the DNS cache is healthy']);
    });
  });
});

suite('unknown', () => {
  test('nothing to ask with', async (t) => {
    const [code, line] = await run(['health'], pathWith(t));
    assert.deepEqual(
      [code, line],
      [2, 'found none of curl, wget and bash to ask 169.254.20.10:8080'],
    );
  });

  test('somebody else answers', async (t) => {
    const server = createServer((_, response) => response.writeHead(404).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const tool of TOOLS.filter((name) => pathOf(name) !== undefined)) {
      const PATH = pathWith(t, tool);
      // It gives up after three seconds, which the start of its tools may take.
      await until(tool, async () => {
        const said = `${address} answers 404, which no DNS cache does`;
        assert.deepEqual(await run(['ready', address], PATH), [2, said]);
      });
    }
  });

  test('a page that there is not', async () => {
    assert.equal((await run(['metrics']))[0], 2);
  });
});
