/** The kube-dns ConfigMap beside a template: what of it is refused, and what it brings into the template. */
import type { ServerBlock } from '../corefile/ast.ts';
import { type KubeDnsSettings, NO_SETTINGS, readKubeDns } from '../rendering/kube-dns.ts';
import { stubBlocks } from '../rendering/stub-blocks.ts';
import { type Finding, findingOf, type RuleName } from './finding.ts';
import type { KubeDnsText } from './source.ts';

const ENTRY = {
  name: 'kube-dns-entry',
  level: 'warning',
  summary: 'an entry of the kube-dns ConfigMap that is refused',
} as const satisfies RuleName;

const IGNORED = {
  name: 'kube-dns-ignored',
  level: 'note',
  summary: 'a key of the kube-dns ConfigMap that has no effect',
} as const satisfies RuleName;

export const KUBE_DNS_RULES: readonly RuleName[] = [ENTRY, IGNORED];

const REFUSED_ADVICE =
  'Zerohop refuses this entry alone; node-cache drops the whole update for it, or does not start again';

export interface KubeDnsReading {
  readonly settings: KubeDnsSettings;
  readonly findings: readonly Finding[];
}

export function readKubeDnsTexts(texts: readonly KubeDnsText[]): KubeDnsReading {
  const keys = new Map(
    texts.map(({ key, file, text }) => [key, { path: pathOf(file, key), text }]),
  );
  const { settings, problems, notes } = readKubeDns(keys, NO_SETTINGS);
  const findings = [
    ...problems.map((problem) => toFinding(ENTRY, problem.text, texts)),
    ...notes.map((note) => toFinding(IGNORED, note, texts)),
  ];
  return { settings, findings };
}

/** Stub domains that these blocks are in the way of. */
export function checkStubDomains(
  texts: readonly KubeDnsText[],
  { stubDomains }: KubeDnsSettings,
  blocks: readonly ServerBlock[],
  where: { readonly port: number; readonly localIps: readonly string[] },
): Finding[] {
  const source = texts.find(({ key }) => key === 'stubDomains');
  if (source === undefined) return [];
  const path = pathOf(source.file, source.key);
  const { problems } = stubBlocks(stubDomains, blocks, { path, ...where });
  return problems.map((problem) => toFinding(ENTRY, problem.text, texts));
}

/** Two keys of a manifest have one file. */
function pathOf(file: string, key: string): string {
  return `${file}#${key}`;
}

/** The text of a problem starts with the path. */
function toFinding(rule: RuleName, text: string, texts: readonly KubeDnsText[]): Finding {
  const source =
    texts.find(({ file, key }) => text.startsWith(`${pathOf(file, key)}: `)) ?? texts[0]!;
  const { file, key, at } = source;
  const problem = `${key}: ${text.slice(pathOf(file, key).length + 2)}`;
  const advice = rule === ENTRY ? { advice: REFUSED_ADVICE } : {};
  return findingOf(rule, { at, problem, ...advice });
}
