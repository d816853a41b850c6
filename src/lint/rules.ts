/** Every rule of lint, in the order of the page that describes them (docs/lint.md). */
import { CACHE_RULES } from './cache-rules.ts';
import { DIFFERENCE_RULES } from './difference-rules.ts';
import { type Finding, findingOf, type Rule, type RuleName } from './finding.ts';
import { KUBE_DNS_RULES } from './kube-dns.ts';
import { LISTENER_RULES } from './listener-rules.ts';
import { OPERATION_RULES } from './operation-rules.ts';
import { READING_RULES } from './reading.ts';
import { SOURCE_RULES } from './source.ts';
import type { Subject } from './subject.ts';
import { UPSTREAM_RULES } from './upstream-rules.ts';

const CHECKED_RULES: readonly Rule[] = [
  ...UPSTREAM_RULES,
  ...CACHE_RULES,
  ...LISTENER_RULES,
  ...OPERATION_RULES,
  ...DIFFERENCE_RULES,
];

export const ALL_RULES: readonly RuleName[] = [
  ...SOURCE_RULES,
  ...KUBE_DNS_RULES,
  ...READING_RULES,
  ...CHECKED_RULES,
];

export function checkRules(subject: Subject): Finding[] {
  return CHECKED_RULES.flatMap((rule) =>
    [...rule.check(subject)].map((hit) => findingOf(rule, hit)),
  );
}
