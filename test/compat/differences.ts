/**
 * Where we differ from CoreDNS knowingly, and why. A pattern is for the text of a Corefile in one line, or for the name of a
 * conversation and its query.
 */
export const DIFFERENCES: readonly (readonly [pattern: RegExp, reason: string])[] = [
  // What a Corefile may say.
  [
    /\bsurplus\b/,
    'an argument too many is an error that says so; CoreDNS passes over some of them',
  ],
  [
    /^bind 127\.0\.0\.1 \{ except \}/,
    'an except without an address is an error; CoreDNS passes over it',
  ],
  [
    /^bind lo ::1|^bind 127\.0\.0\.1 127\.0\.0\.2 lo/,
    'an address that is named twice is bound once',
  ],
  [/^loadbalance \{ prefer \}/, 'a prefer without an address is an error; CoreDNS passes over it'],
  [
    /forward \. (?:192\.0\.2\.1:(?:port|99999)|no-such-host|dns\.example\.org)/,
    'a bad port is an error at once; a host name is looked up while we serve, so that no start fails with it',
  ],
  [
    /^forward \. 192\.0\.2\.1 \{ tls \/tls/,
    'certificates are read when the chain is made, not when the Corefile is parsed',
  ],
  [/ready \}$/, 'CoreDNS as built by its own project has it; node-cache has not'],
  [/kubernetes cluster\.local/, 'CoreDNS as built by its own project has it; node-cache has not'],
  [/whoami \} \}$/, 'a brace too many is an error'],
  [/health :99999/, 'a port beyond 65535 is an error; CoreDNS logs that it cannot listen'],
  [/https:\/\//, 'no DoH server'],

  // What is answered.
  [
    /: many\.test\. /,
    'the upstream’s reply exceeds what the client takes: we take it whole and send what fits, CoreDNS nothing',
  ],
  [/: [^ ]* ANY/, 'ANY over UDP gets TC rather than more than was sent'],
  [/ edns 1 /, 'the size in the OPT of a BADVERS is ours; CoreDNS writes 0'],
  [
    / option (?:3|10)$/,
    'options of the client are not echoed: NSID and COOKIE have a meaning (RFC 5001, RFC 7873)',
  ],
  [/: authoritative\.test\. A$/, 'AD only for clients that set AD or DO (RFC 6840 §5.7)'],
  [/ flags 2000$/, 'a NOTIFY is not answered from the cache'],
  [
    /^(?:cache and forward|the stock block): a\.test\. A flags 0$/,
    'RD is part of our key: an answer without recursion is another one',
  ],
  [
    /^rewrite of names, behind a cache: /,
    'rewrite stands behind the cache, as in node-cache; CoreDNS has moved it before the cache with 1.14.7',
  ],
  [/^template: x\.gone\.test\. A CH/, 'a template is for its class, as since CoreDNS 1.14.7'],
  [/^rewrite of the rest: servfail/, 'rcodes of failures are rewritten, as since CoreDNS 1.14.7'],
  [/^forward: failover: servfail/, 'RA is set; CoreDNS 1.14.4 does so in no SERVFAIL of its own'],
  [/^dns64: servfail\./, 'where A fails as AAAA did, the failure is told, not an empty answer'],
  [/^dns64, translate_all: /, 'with a prefix in its line CoreDNS reads nothing of the block'],
];

export function reasonOf(label: string): string | undefined {
  return DIFFERENCES.find(([pattern]) => pattern.test(label))?.[1];
}
