/**
 * Where we differ from CoreDNS knowingly, and why. A pattern is for the text of a Corefile in one line, or for the name of a
 * conversation and its query.
 */
export const DIFFERENCES: readonly (readonly [pattern: RegExp, reason: string])[] = [
  // What a Corefile may say.
  [
    /^bind 127\.0\.0\.1 \{ except \}/,
    'an except without an address gives a warning, as CoreDNS before 1.14.7 passes over it; since then it is an error there',
  ],
  [
    /^bind lo ::1|^bind 127\.0\.0\.1 127\.0\.0\.2 lo/,
    'an address that is named twice is bound once',
  ],
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
  [/health :99999/, 'a port beyond 65535 is an error; CoreDNS logs that it cannot listen'],
  [/https:\/\//, 'no DoH server'],
  [
    /^(?:foo:\/\/|300\.0\.0\.0\/8|\.:0 )/,
    'a key that is neither a name nor a CIDR block, and port 0, are errors: CoreDNS serves a name that nobody asks for, or a port of chance',
  ],
  [
    /^\{\$NO_SUCH_VARIABLE\}/,
    'a server block without a zone is an error: CoreDNS leaves the whole block out without a word',
  ],
  [
    /forward (?:\[::1\]:53|10\.0\.0\.0\/33) /,
    'a forward for what is no zone is an error: CoreDNS makes a name of it that nobody asks for, and forwards nothing',
  ],
  [
    /log \{ class denial \} (?:example\.org )?\}$|errors \{ stacktrace \} \}$/,
    'a brace on a line of its own and words behind the closing one are errors: CoreDNS reads each word of them as if it began the directive anew, which logs more than was asked for',
  ],
  [
    /class denial \} whoami|answer \} \}|name a\.example \{\}/,
    'a brace at the end of a line closes the block, and {} is an empty one; CoreDNS takes them for words',
  ],
  [
    /^\.:PORT \{ bind 127\.0\.0\.1 hosts \{ ttl 60 \{/,
    'a block behind an option that has none is an error; CoreDNS takes its braces for options or lines of the hosts file',
  ],
  [
    /64:ff9b::\/96 \{ nonsense \}/,
    'an unknown option is an error; with a prefix in its line CoreDNS reads nothing of the block',
  ],
  [
    /prefetch 10 -1s|lameduck -1s|max_batch_size -1/,
    'a negative time or size is an error; CoreDNS takes it, and never prefetches, does not wait, or sends span by span',
  ],
  [/every 9223372036854775808/, 'one of 2^63 queries is traced at most'],
  [/2562047h47m16\.854775807s/, 'the last microsecond of 292 years is beyond our durations'],
  [
    /(?:resolver 192\.0\.2\.9:53\.|prometheus :|health :|trace localhost:x|tcp:\/\/127\.0\.0\.1:6000:53) \}/,
    'an address that nobody can listen at or reach is an error at once; CoreDNS logs it while it serves, or listens at a port of chance',
  ],
  [
    /dnstap listen tls:\/\/127\.0\.0\.1:0 \}/,
    'TLS without a certificate is an error; CoreDNS logs it and does not listen',
  ],
  [
    /bind 127\.0\.0\.1 \{ except 127\.0\.0\.1 \}/,
    'a bind that leaves no address is an error; CoreDNS starts and serves nobody',
  ],

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
