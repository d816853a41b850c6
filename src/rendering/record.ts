/**
 * The comment at the head of a rendered Corefile: where it comes from, and the kube-dns settings in it. A daemon that starts
 * while the ConfigMap is broken takes up its last good values from there.
 */
import { type KubeDnsSettings, NO_SETTINGS, readKubeDns } from './kube-dns.ts';

const RECORD = '# kube-dns: ';

/** Lines of comment, their last one ended. */
export function writeRecord(templatePath: string, settings: KubeDnsSettings): string {
  const record = {
    stubDomains: Object.fromEntries(settings.stubDomains),
    upstreamNameservers: settings.upstreamNameservers,
  };
  return [
    `# Rendered from ${JSON.stringify(templatePath)} and the kube-dns ConfigMap, and written anew when they change.\n`,
    '# For people to read: a change in it has no effect.\n',
    `${RECORD}${JSON.stringify(record)}\n\n`,
  ].join('');
}

/** The settings in a rendered Corefile, checked like any other; undefined where there are none, or they are wrong. */
export function readRecord(corefile: string): KubeDnsSettings | undefined {
  const line = corefile.split('\n').find((text) => text.startsWith(RECORD));
  if (line === undefined) return undefined;
  let record: unknown;
  try {
    record = JSON.parse(line.slice(RECORD.length));
  } catch {
    return undefined;
  }
  if (typeof record !== 'object' || record === null) return undefined;
  const keys = Object.entries(record).map(
    ([name, value]) => [name, { path: name, text: JSON.stringify(value) }] as const,
  );
  const { settings, problems } = readKubeDns(new Map(keys), NO_SETTINGS);
  return problems.length === 0 ? settings : undefined;
}
