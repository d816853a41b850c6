/**
 * The placeholders of a manifest that are an installer's to fill in, `__PILLAR__LOCAL__DNS__` and its like, as against those of
 * placeholders.ts, which the daemon fills in. Pure text, as `sed` would do it, but for what stands in comments, and what has
 * no value goes with the comma or the space before it.
 */
import { isIPv6 } from 'node:net';

const LOCAL_DNS = '__PILLAR__LOCAL__DNS__';
const DNS_SERVER = '__PILLAR__DNS__SERVER__';
const DOMAIN = '__PILLAR__DNS__DOMAIN__';
const IMAGE = '__ZEROHOP__IMAGE__';
const SECOND_LOCAL_DNS = '__ZEROHOP__SECOND__LOCAL__DNS__';
const SECOND_DNS_SERVER = '__ZEROHOP__SECOND__DNS__SERVER__';
const KUBE_DNS = '__ZEROHOP__KUBE__DNS__';

export const MANIFEST_PLACEHOLDERS = {
  localDns: LOCAL_DNS,
  dnsServer: DNS_SERVER,
  domain: DOMAIN,
  image: IMAGE,
  secondLocalDns: SECOND_LOCAL_DNS,
  secondDnsServer: SECOND_DNS_SERVER,
  kubeDns: KUBE_DNS,
} as const;

export type ManifestPlaceholder = keyof typeof MANIFEST_PLACEHOLDERS;

/** Undefined: has no value, and goes. `localDns`, `domain` and `kubeDns` always have one where they are asked for. */
export type ManifestValues = Readonly<Record<ManifestPlaceholder, string | undefined>>;

/** Left to the daemon. */
const BY_DAEMON = ['__PILLAR__CLUSTER__DNS__', '__PILLAR__UPSTREAM__SERVERS__'];
const COMMENT = /^\s*#/;
const ANY = /__(?:PILLAR|ZEROHOP)__[A-Z_]*?__(?![A-Z_])/g;

/** Which of the placeholders a manifest has, comments left out. */
export function placeholdersIn(text: string): ReadonlySet<ManifestPlaceholder> {
  const names = Object.keys(MANIFEST_PLACEHOLDERS) as ManifestPlaceholder[];
  const lines = text.split('\n').filter((line) => !COMMENT.test(line));
  return new Set(
    names.filter((name) => lines.some((line) => line.includes(MANIFEST_PLACEHOLDERS[name]))),
  );
}

export function fillManifest(text: string, values: ManifestValues): string {
  const lines = text.split('\n');
  return lines.map((line) => (COMMENT.test(line) ? line : fillLine(line, values))).join('\n');
}

function fillLine(line: string, values: ManifestValues): string {
  if (!line.includes('__')) return line;
  let filled = line;
  for (const [name, placeholder] of Object.entries(MANIFEST_PLACEHOLDERS)) {
    const value = values[name as ManifestPlaceholder];
    if (value === undefined) {
      filled = filled.replace(new RegExp(`[, ]?${placeholder}`, 'g'), '');
      continue;
    }
    // Before a port an IPv6 address stands in brackets (RFC 3986 §3.2.2).
    if (isIPv6(value))
      filled = filled.replace(new RegExp(`${placeholder}(?=:\\d)`, 'g'), `[${value}]`);
    filled = filled.replaceAll(placeholder, () => value);
  }
  return filled;
}

/** Placeholders that nobody fills in, each once, comments left out. */
export function leftOverIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => !COMMENT.test(line));
  const found = lines.flatMap((line) => line.match(ANY) ?? []);
  return [...new Set(found)].filter((name) => !BY_DAEMON.includes(name));
}
