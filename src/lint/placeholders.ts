/**
 * A template's placeholders, filled with stand-in values, or with those that the operator gives. Words keep their places, so
 * that findings point at the placeholder.
 */
import type { Position } from '../corefile/ast.ts';
import type { Token } from '../corefile/lexer.ts';
import { fillPlaceholders, type PlaceholderValues } from '../rendering/placeholders.ts';

export type Filling = PlaceholderValues;

/**
 * What a template gets on most nodes. kube-dns's second address is the cluster's choice; it is none that a block listens on,
 * such as 10.96.0.10, which most manifests name.
 */
export const PLACEHOLDER_VALUES: Filling = {
  upstreamServers: ['/etc/resolv.conf'],
  clusterDns: { code: 'known', addresses: ['10.96.255.53'] },
  localIps: ['169.254.20.10'],
  prometheusEndpoint: ':9253',
};

const PLACEHOLDER = /__(?:PILLAR|PROMETHEUS)__/;

export class Placeholders {
  readonly #values: Filling;
  readonly #byPlace = new Map<string, string>();

  constructor(values: Filling) {
    this.#values = values;
  }

  fill(tokens: readonly Token[]): readonly Token[] {
    for (const { text, at } of tokens) {
      if (PLACEHOLDER.test(text)) this.#byPlace.set(placeOf(at), text);
    }
    return fillPlaceholders(tokens, this.#values).tokens;
  }

  /** The word that stood there. */
  at(at: Position): string | undefined {
    return this.#byPlace.get(placeOf(at));
  }
}

function placeOf({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`;
}
