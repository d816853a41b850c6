/**
 * Options that CoreDNS reads a fixed number of words of, without a look at the end of their line: what stands behind begins the
 * next option (`expire 10s max_age 10s`). Here it becomes a line of its own, and a warning says so.
 */
import type { Directive } from '../corefile/ast.ts';
import type { BlockContext } from './block-context.ts';
import type { DirectiveName } from './order.ts';

/** The arguments that each of them takes. */
const ARGUMENT_COUNTS: Partial<Record<DirectiveName, Readonly<Record<string, number>>>> = {
  dns64: { prefix: 1, translate_all: 0, allow_ipv4: 0 },
  dnstap: { identity: 1, version: 1, extra: 1, skipverify: 0 },
  errors: { stacktrace: 0 },
  forward: {
    max_fails: 1,
    max_connect_attempts: 1,
    tls_servername: 1,
    expire: 1,
    max_age: 1,
    max_idle_conns: 1,
    read_timeout: 1,
    doh_method: 1,
    policy: 1,
    max_concurrent: 1,
    source_address: 1,
  },
  hosts: { no_reverse: 0 },
  template: { rcode: 1 },
};

/** The directive with each option of its block on a line of its own. */
export function separateOptions(
  name: DirectiveName,
  line: Directive,
  warn: BlockContext['warn'],
): Directive {
  const counts = ARGUMENT_COUNTS[name];
  if (counts === undefined || line.block === undefined) return line;
  const separate = (option: Directive): Directive[] => {
    const max = Object.hasOwn(counts, option.name.text) ? counts[option.name.text]! : undefined;
    const [next, ...args] = max === undefined ? [] : option.args.slice(max);
    if (next === undefined) return [option];
    const problem = `${option.name.text}: '${next.text}' begins the next option: write it on a line of its own`;
    warn({ directive: name, at: next.at, problem });
    const first = { ...option, args: option.args.slice(0, max), block: undefined };
    return [first, ...separate({ name: next, args, block: option.block })];
  };
  return { ...line, block: line.block.flatMap(separate) };
}
