/** Lint as a whole: from what is given to findings, in the order of the text. */
import type { Environment } from '../corefile/environment.ts';
import { diskFiles, type FileSource, type FileText } from '../corefile/file-source.ts';
import type { KubeDnsSettings } from '../rendering/kube-dns.ts';
import type { Finding, Level } from './finding.ts';
import { checkStubDomains, readKubeDnsTexts } from './kube-dns.ts';
import { PLACEHOLDER_VALUES } from './placeholders.ts';
import { readCorefile } from './reading.ts';
import { checkRules } from './rules.ts';
import type { CorefileText, KubeDnsText, Sources } from './source.ts';

export interface LintOptions {
  /** Stand for the placeholder of the listen addresses; empty: 169.254.20.10. */
  readonly localIps: readonly string[];
  /** The node's /etc/resolv.conf; undefined: it is not known, and stands for some server that is all right. */
  readonly resolvConfPath: string | undefined;
  readonly environment: Environment;
}

/** RFC 5737: nobody's server. */
const UNKNOWN_RESOLV_CONF = 'nameserver 192.0.2.53\n';
/** `-dns.port`, by default. */
const DNS_PORT = 53;
const RESOLV_CONF = '/etc/resolv.conf';

export function lint(sources: Sources, options: LintOptions): Finding[] {
  const { settings, findings } = readKubeDnsTexts(sources.kubeDns);
  return [
    ...sources.findings,
    ...findings,
    ...sources.corefiles.flatMap((corefile) =>
      lintCorefile(corefile, sources.kubeDns, settings, options),
    ),
  ];
}

function lintCorefile(
  { file, text, locate }: CorefileText,
  kubeDns: readonly KubeDnsText[],
  settings: KubeDnsSettings,
  options: LintOptions,
): Finding[] {
  const { resolvConfPath, environment } = options;
  const localIps = options.localIps.length > 0 ? options.localIps : PLACEHOLDER_VALUES.localIps;
  const { upstreamNameservers: upstreamServers } = settings;
  const { subject, findings } = readCorefile(text, {
    file,
    environment,
    files: filesFor(resolvConfPath),
    knowsResolvConf: resolvConfPath !== undefined,
    filling: {
      ...PLACEHOLDER_VALUES,
      localIps,
      ...(upstreamServers.length > 0 && { upstreamServers }),
    },
  });
  const all = [...findings, ...(subject === undefined ? [] : checkRules(subject))];
  const placed = all
    .map((finding) => ({
      ...finding,
      at: locate(finding.at),
      problem: locatePlaces(finding.problem, file, locate),
    }))
    .sort((one, other) => one.at.line - other.at.line || one.at.column - other.at.column);
  // What is wrong with a block may be its zone or its `bind`, which stub domains are compared with.
  if (subject === undefined || countLevel(findings, 'error') > 0) return placed;
  const blocks = subject.blocks.map(({ ast }) => ast);
  const stubs = checkStubDomains(kubeDns, settings, blocks, { port: DNS_PORT, localIps });
  const locatedStubs = stubs.map((finding) => ({
    ...finding,
    problem: locatePlaces(finding.problem, file, locate),
  }));
  return [...placed, ...locatedStubs];
}

/** Problems name other places of the text, as `FILE:LINE` or `FILE:LINE:COLUMN`. */
function locatePlaces(problem: string, file: string, locate: CorefileText['locate']): string {
  const place = new RegExp(`${RegExp.escape(file)}:(\\d+)(?::(\\d+))?`, 'g');
  return problem.replace(place, (_, lineText: string, columnText: string | undefined) => {
    const { line, column } = locate({
      file,
      line: Number(lineText),
      column: Number(columnText ?? 1),
    });
    return columnText === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  });
}

/** The files of this machine, but for the one that belongs to the node. */
function filesFor(resolvConfPath: string | undefined): FileSource {
  const resolvConf: FileText =
    resolvConfPath === undefined
      ? { code: 'read', text: UNKNOWN_RESOLV_CONF }
      : diskFiles.read(resolvConfPath);
  return {
    read: (path) => (path === RESOLV_CONF ? resolvConf : diskFiles.read(path)),
    glob: diskFiles.glob,
  };
}

export function countLevel(findings: readonly Finding[], level: Level): number {
  return findings.filter((finding) => finding.level === level).length;
}
