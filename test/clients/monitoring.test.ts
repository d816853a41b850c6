/**
 * promtool takes the alert rules, their tests hold, and every query of the dashboard is one. It needs Debian's `prometheus`. What is
 * missing is a failure.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { alerts, MONITORING, panels } from '../deploy/monitoring.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);

test('promtool takes the rules', async () => {
  const { stdout } = await run('promtool', ['check', 'rules', join(MONITORING, 'alerts.yaml')]);
  assert.match(stdout, new RegExp(`SUCCESS: ${alerts().length} rules found`));
});

test('alerts fire and do not fire as they should', async () => {
  await run('promtool', ['test', 'rules', join(MONITORING, 'alerts.test.yaml')]);
});

test('and a rule that never fires fails its test', async (t) => {
  const directory = temporaryDirectory(t);
  cpSync(MONITORING, directory, { recursive: true });
  const file = join(directory, 'alerts.yaml');
  for (const { alert } of alerts()) {
    const text = readFileSync(join(MONITORING, 'alerts.yaml'), 'utf8');
    const name = `- alert: ${alert}\n`;
    writeFileSync(file, text.replace(name, `- alert: ${alert}Renamed\n`));
    const failing = run('promtool', ['test', 'rules', join(directory, 'alerts.test.yaml')]);
    await assert.rejects(failing, alert);
  }
});

test('queries of the dashboard are queries', async (t) => {
  const file = join(temporaryDirectory(t), 'queries.yaml');
  const rules = panels()
    .flatMap(({ targets }) => targets)
    .map(({ expr }, index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { stdout } = await run('promtool', ['check', 'rules', file]);
  assert.match(stdout, new RegExp(`SUCCESS: ${rules.length} rules found`));
});
