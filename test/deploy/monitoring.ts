/** The alert rules and the dashboard of deploy/monitoring, as far as their tests need them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './manifest.ts';

export const MONITORING = join(ROOT, 'deploy/monitoring');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
}

export interface RuleTest {
  readonly name: string;
  readonly promql_expr_test: readonly { readonly exp_samples: readonly unknown[] }[];
}

export interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

function read(file: string): string {
  return readFileSync(join(MONITORING, file), 'utf8');
}

export function alerts(): Alert[] {
  return parse(read('alerts.yaml')).groups.flatMap(({ rules }: { rules: Alert[] }) => rules);
}

export function ruleTests(): RuleTest[] {
  return parse(read('alerts.test.yaml')).tests;
}

export function panels(): Panel[] {
  return JSON.parse(read('dashboard.json')).panels;
}
