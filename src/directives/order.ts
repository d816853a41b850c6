/**
 * The directives by name, in the order in which their handlers see a query: that of CoreDNS 1.14.4's chain, as far as
 * node-cache has them. Their order in the Corefile means nothing, but among repetitions of the same one.
 */

/** From the client's side to the upstream's. `metadata` and `dnstap` are in node-cache by accident of its imports. */
export const DIRECTIVE_ORDER = [
  'metadata',
  'timeouts',
  'reload',
  'bufsize',
  'bind',
  'debug',
  'trace',
  'health',
  'pprof',
  'prometheus',
  'errors',
  'log',
  'dnstap',
  'dns64',
  'loadbalance',
  'cache',
  'rewrite',
  'template',
  'hosts',
  'loop',
  'forward',
  'whoami',
] as const;

export type DirectiveName = (typeof DIRECTIVE_ORDER)[number];

/** Those that are no part of the chain: they set up a server, or the process. */
const SETTINGS: readonly DirectiveName[] = [
  'timeouts',
  'reload',
  'bind',
  'debug',
  'health',
  'pprof',
];

/** Whether a directive handles queries: CoreDNS lists only such in `coredns_plugin_enabled`. */
export function isHandler(name: DirectiveName): boolean {
  return !SETTINGS.includes(name);
}

export function isKnown(name: string): name is DirectiveName {
  return (DIRECTIVE_ORDER as readonly string[]).includes(name);
}
