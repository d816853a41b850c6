/**
 * The placeholders that node-cache fills in at run time, in its order. It replaces text in the whole template; here the words
 * of the template are filled one by one, which comes to the same and leaves every word its place in the template, for errors.
 * A value never brings in syntax: whatever it holds, it becomes words.
 */
import { CorefileError, type Position } from '../corefile/ast.ts';
import { SPACES, type Token } from '../corefile/lexer.ts';
import type { ClusterDns } from './cluster-dns.ts';

const UPSTREAM_SERVERS = '__PILLAR__UPSTREAM__SERVERS__';
const CLUSTER_DNS = '__PILLAR__CLUSTER__DNS__';
const LOCAL_DNS = '__PILLAR__LOCAL__DNS__';
const DNS_SERVER = '__PILLAR__DNS__SERVER__';
const PROMETHEUS_ENDPOINT = '__PROMETHEUS__ENDPOINT__';

/** What no placeholder above is; an installer fills it in, and one left over is served as it stands. */
const LEFT_OVER = /__PILLAR__\w*/;
const GAP = new RegExp(`[${SPACES}]+`);

export interface PlaceholderValues {
  readonly upstreamServers: readonly string[];
  readonly clusterDns: ClusterDns;
  readonly localIps: readonly string[];
  /** As it stands on the command line. */
  readonly prometheusEndpoint: string;
}

export interface Filled {
  readonly tokens: readonly Token[];
  /** Of the words that held the placeholder of the upstream servers; a tree made of the tokens has these very objects. */
  readonly upstreamPlaces: ReadonlySet<Position>;
  /** Placeholders that nobody fills in, each with its place. */
  readonly leftOver: readonly { readonly name: string; readonly at: Position }[];
}

/** Throws a `CorefileError` at the first placeholder for which there is no value. */
export function fillPlaceholders(tokens: readonly Token[], values: PlaceholderValues): Filled {
  const upstreamPlaces = new Set<Position>();
  const leftOver: { name: string; at: Position }[] = [];
  const filled: Token[] = [];
  /** The words before it on its line have become nothing. */
  let startsLine = false;
  for (const token of tokens) {
    startsLine ||= token.startsLine;
    if (token.text.includes(UPSTREAM_SERVERS)) upstreamPlaces.add(token.at);
    const text = fillText(token, values);
    for (const word of wordsOf(token, text)) {
      const quoted = token.quoted || (word !== token.text && /^[{}]+$/.test(word));
      filled.push({ ...token, text: word, startsLine, quoted });
      startsLine = false;
    }
    const [name] = LEFT_OVER.exec(text) ?? [];
    if (name !== undefined) leftOver.push({ name, at: token.at });
  }
  return { tokens: filled, upstreamPlaces, leftOver };
}

function fillText({ text, at }: Token, values: PlaceholderValues): string {
  if (!text.includes('__')) return text;
  const { upstreamServers, clusterDns, localIps, prometheusEndpoint } = values;
  if (text.includes(CLUSTER_DNS) && clusterDns.code === 'unknown') {
    throw new CorefileError(at, `${CLUSTER_DNS} has no value: ${clusterDns.problem}`);
  }
  const clusterIps = clusterDns.code === 'known' ? clusterDns.addresses : [];
  return text
    .replaceAll(UPSTREAM_SERVERS, () => upstreamServers.join(' '))
    .replaceAll(CLUSTER_DNS, () => clusterIps.join(' '))
    .replaceAll(LOCAL_DNS, () => localIps.join(' '))
    .replaceAll(DNS_SERVER, '')
    .replaceAll(PROMETHEUS_ENDPOINT, () => prometheusEndpoint);
}

/** The words that one word has become: none where only a placeholder without value stood there. */
function wordsOf(token: Token, text: string): readonly string[] {
  if (token.quoted || text === token.text) return [text];
  return text.split(GAP).filter((word) => word !== '');
}
