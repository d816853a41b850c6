/**
 * What is given to lint: a Corefile, a template of one, a Kubernetes manifest that holds Corefiles, or the directory of a mounted
 * kube-dns ConfigMap. Findings point at the line of the file that was given.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Position } from '../corefile/ast.ts';
import { type Finding, findingOf, type RuleName } from './finding.ts';
import { corefilesIn, isManifest, type ManifestEntry } from './manifest.ts';

export interface CorefileText {
  readonly file: string;
  readonly text: string;
  /** From a place in `text` to one in the file. */
  readonly locate: (at: Position) => Position;
}

/** A key of the kube-dns ConfigMap: `stubDomains`, `upstreamNameservers` or another. */
export interface KubeDnsText {
  readonly key: string;
  readonly file: string;
  readonly text: string;
  readonly at: Position;
}

export interface Sources {
  readonly corefiles: readonly CorefileText[];
  readonly kubeDns: readonly KubeDnsText[];
  readonly findings: readonly Finding[];
}

const NO_COREFILE = {
  name: 'no-corefile',
  level: 'error',
  summary: 'a manifest without a ConfigMap that holds a Corefile',
} as const satisfies RuleName;

const BAD_MANIFEST = {
  name: 'invalid-manifest',
  level: 'error',
  summary: 'a manifest that is no YAML',
} as const satisfies RuleName;

export const SOURCE_RULES: readonly RuleName[] = [NO_COREFILE, BAD_MANIFEST];

const COREFILE_KEYS: readonly string[] = ['Corefile', 'Corefile.base'];
export const KUBE_DNS_KEYS: readonly string[] = [
  'stubDomains',
  'upstreamNameservers',
  'federations',
];

export function joinSources(sources: readonly Sources[]): Sources {
  return {
    corefiles: sources.flatMap(({ corefiles }) => corefiles),
    kubeDns: sources.flatMap(({ kubeDns }) => kubeDns),
    findings: sources.flatMap(({ findings }) => findings),
  };
}

/** Throws the system's error where the path cannot be read. */
export function readSource(path: string): Sources {
  return statSync(path).isDirectory()
    ? directorySource(path)
    : textSource(path, readFileSync(path, 'utf8'));
}

/** `file`: as it is to stand in findings. */
export function textSource(file: string, text: string): Sources {
  if (!isManifest(file, text)) {
    return { corefiles: [{ file, text, locate: (at) => at }], kubeDns: [], findings: [] };
  }
  const entries = corefilesIn(file, text, [...COREFILE_KEYS, ...KUBE_DNS_KEYS]);
  if (!Array.isArray(entries)) {
    return { corefiles: [], kubeDns: [], findings: [findingOf(BAD_MANIFEST, entries)] };
  }
  const corefiles = entries.filter(({ key }) => COREFILE_KEYS.includes(key));
  const kubeDns = entries.filter(({ key }) => KUBE_DNS_KEYS.includes(key)).map(kubeDnsText);
  const findings: Finding[] = [];
  if (corefiles.length + kubeDns.length === 0) {
    const problem = `expected a ConfigMap with a key ${COREFILE_KEYS.join(' or ')}`;
    findings.push(findingOf(NO_COREFILE, { at: { file, line: 1, column: 1 }, problem }));
  }
  return { corefiles, kubeDns, findings };
}

function kubeDnsText({ key, file, text, locate }: ManifestEntry): KubeDnsText {
  return { key, file, text, at: locate({ file, line: 1, column: 1 }) };
}

/** As the kubelet mounts it: one file a key; what starts with a dot is its own. */
function directorySource(path: string): Sources {
  const kubeDns = readdirSync(path)
    .filter((name) => !name.startsWith('.') && statSync(join(path, name)).isFile())
    .sort()
    .map((key) => {
      const file = join(path, key);
      const at = { file, line: 1, column: 1 };
      return { key, file, text: readFileSync(file, 'utf8'), at };
    });
  return { corefiles: [], kubeDns, findings: [] };
}
