/**
 * Corefiles with what CoreDNS passes over without a word, and with what looks alike and it refuses; PORT stands for one that is free.
 * Most were found by a search: a third of a million mutations of lines that are right, each held against the program.
 */

/** Lines of a block that has a `bind` already. */
const ODD_LINES: readonly string[] = [
  // Zones and names that are none.
  'cache 30 ""',
  'cache {$NO_SUCH_VARIABLE}',
  'cache 30 a..b',
  'cache 30 tls://example.org:99999',
  'cache {\n disable denial a..b\n }',
  'hosts hosts a..b',
  'hosts {\n fallthrough .a\n }',
  'metadata :',
  'template IN A a..b {\n rcode NXDOMAIN\n }',
  'log a..b',
  'log ""',
  'forward . 192.0.2.1 {\n except a..b\n }',
  'forward a..b 192.0.2.1',
  'forward [::1]:53 192.0.2.1',
  'forward 10.0.0.0/33 192.0.2.1',
  // Options that go on in their line.
  'forward . 192.0.2.1 {\n expire 10s max_fails 3\n }',
  'forward . 192.0.2.1 {\n expire 10s surplus\n }',
  'forward . 192.0.2.1 {\n force_tcp expire 10s\n }',
  'dns64 {\n translate_all allow_ipv4\n }',
  'dns64 {\n translate_all nonsense\n }',
  'hosts {\n no_reverse fallthrough\n }',
  'errors {\n stacktrace consolidate 1m x\n }',
  'dnstap ./tap.sock {\n identity a version b\n }',
  'template IN A {\n rcode NXDOMAIN fallthrough\n }',
  // Blocks.
  'bufsize 512 {\n x\n }',
  'reload 10s {\n x\n }',
  'metadata {\n }',
  'metadata {\n x\n }',
  'whoami {\n }',
  'debug {\n }',
  'hosts {\n ttl 60 {\n }\n }',
  'log\n {\n class denial\n }',
  'errors\n {\n stacktrace\n }',
  'log {\n class denial\n } example.org',
  'log {\n class denial }\n whoami',
  'template IN A {\n answer }',
  'rewrite name a.example {}',
  'dns64 64:ff9b::/96 {\n nonsense\n }',
  // Numbers and durations.
  'cache 4294967295',
  'cache {\n denial 5000 4294967295 4294967295\n }',
  'cache {\n prefetch 9223372036854775807\n }',
  'cache {\n prefetch 9223372036854775808\n }',
  'cache {\n prefetch 10 -1s\n }',
  'cache {\n prefetch 10 2562047h47m16.854775807s\n }',
  'rewrite edns0 subnet set 0x18 0b111000',
  'rewrite edns0 subnet set 08 56',
  'rewrite edns0 local set 0o777 abcd',
  'errors {\n consolidate 0 x\n }',
  'errors {\n consolidate -1s x\n }',
  'errors {\n consolidate 1m x show_first show_first\n }',
  'pprof {\n block 0\n }',
  'pprof {\n block -1\n }',
  'timeouts {\n read +10\n }',
  'health 127.0.0.1:0 {\n lameduck -1s\n }',
  'trace {\n zipkin_max_batch_size -1\n }',
  // Addresses.
  'forward . 192.0.2.1#53 192.0.2.2#53',
  'forward . 192.0.2.1 {\n resolver 192.0.2.9:53.\n }',
  'health :',
  'prometheus :',
  'trace localhost:x',
  'dnstap tcp://127.0.0.1:6000:53',
  'dnstap listen tls://127.0.0.1:0',
];

export const ODD_COREFILES: readonly string[] = [
  ...ODD_LINES.map((line) => `.:PORT {\n bind 127.0.0.1\n ${line}\n}`),
  // Braces.
  '.:PORT {\n bind 127.0.0.1\n whoami\n} }',
  '.:PORT {\n bind 127.0.0.1\n whoami\n}\n}\n}',
  '.:PORT\nbind 127.0.0.1\nwhoami\n}',
  '.:PORT {\n bind 127.0.0.1\n whoami\n}\n}\nexample.org:PORT {\n bind 127.0.0.1\n whoami\n}',
  '.:PORT {\n bind 127.0.0.1\n log {\n class error\n }',
  '.:PORT {\n bind 127.0.0.1\n log {\n class error',
  '.:PORT {\n bind 127.0.0.1\n whoami',
  '.:PORT {\n bind 127.0.0.1 {\n except 127.0.0.1\n }\n whoami\n}',
  // Keys.
  '{$NO_SUCH_VARIABLE} {\n bind 127.0.0.1\n whoami\n}\n.:PORT {\n bind 127.0.0.1\n whoami\n}',
  '.:0 {\n bind 127.0.0.1\n whoami\n}',
  '300.0.0.0/8:PORT {\n bind 127.0.0.1\n whoami\n}',
  'foo://example.org:PORT {\n bind 127.0.0.1\n whoami\n}',
  '.:PORT {\n bind 127.0.0.1\n log "{common}\n}',
];
