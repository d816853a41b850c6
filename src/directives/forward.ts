/**
 * `forward FROM TO... { OPTIONS }`: asks the servers TO for names below FROM. It may repeat in a server block: the first
 * whose FROM fits and whose `except` does not takes the query. Options: `except NAMES...`, `force_tcp`, `prefer_udp`, `expire D`,
 * `max_age D`, `max_idle_conns N`, `max_fails N`, `max_connect_attempts N`, `read_timeout D`, `max_concurrent N`,
 * `policy random|round_robin|sequential`, `health_check D [no_rec] [domain FQDN]`, `next RCODE...`, `next_on_nodata`,
 * `failover RCODE...`, `failfast_all_unhealthy_upstreams`, `tls [CA | CERT KEY [CA]]`, `tls_servername NAME`,
 * `doh_method GET|POST`, `source_address IP`, `resolver IP[:PORT]...`.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import type { ForwardOptions } from '../upstream/options.ts';
import { RCODE } from '../wire/registry.ts';
import { canonicalAddress, portOf, splitHostPort } from './address.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  integerOf,
  oneOf,
  optionArgument,
  optionArguments,
  rcodeOf,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readUpstreams } from './upstream-list.ts';
import { readName, readZoneList, readZones } from './zone-key.ts';

/** CoreDNS's defaults (plugin/forward), but for what each `forward` must name. */
const DEFAULTS: Omit<ForwardOptions, 'from' | 'to' | 'resolvConf'> = {
  except: [],
  protocol: 'client',
  expireMs: 10_000,
  maxFails: 2,
  maxConnectAttempts: 0,
  tls: { caPath: undefined, certPath: undefined, keyPath: undefined, serverName: undefined },
  policy: 'random',
  healthCheckIntervalMs: 500,
  healthCheckRecursionDesired: true,
  healthCheckDomain: '.',
  maxConcurrent: 0,
  next: [],
  nextOnNodata: false,
  failfastAllUnhealthy: false,
  failover: [],
  maxAgeMs: 0,
  maxIdleConns: 0,
  readTimeoutMs: 2_000,
  sourceAddress: undefined,
  dohMethod: 'POST',
  resolvers: [],
};

/** CoreDNS reads these counts as 32 bits. */
const COUNT_32 = { min: 0, max: 2 ** 32 - 1 };
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };
const NONE = { min: 0, max: 0 };
const SOME = { min: 1, max: Number.POSITIVE_INFINITY };
/** Anything above 0. */
const DURATION_MIN_MS = 1e-6;

type Draft = { -readonly [Key in keyof typeof DEFAULTS]: (typeof DEFAULTS)[Key] };

type OptionReader = (draft: Draft, option: Directive, context: BlockContext) => void;

const OPTION_READERS: Record<string, OptionReader> = {
  except(draft, option, context) {
    const names = optionArguments('forward', option, SOME);
    draft.except = [...draft.except, ...readZoneList('forward', names, context)];
  },
  force_tcp(draft, option) {
    optionArguments('forward', option, NONE);
    draft.protocol = 'force_tcp';
  },
  prefer_udp(draft, option) {
    optionArguments('forward', option, NONE);
    if (draft.protocol !== 'force_tcp') draft.protocol = 'prefer_udp';
  },
  expire(draft, option) {
    draft.expireMs = durationOf('forward', optionArgument('forward', option));
  },
  max_age(draft, option) {
    draft.maxAgeMs = durationOf('forward', optionArgument('forward', option));
  },
  max_idle_conns(draft, option) {
    draft.maxIdleConns = integerOf('forward', optionArgument('forward', option), COUNT);
  },
  max_fails(draft, option) {
    draft.maxFails = integerOf('forward', optionArgument('forward', option), COUNT_32);
  },
  max_connect_attempts(draft, option) {
    draft.maxConnectAttempts = integerOf('forward', optionArgument('forward', option), COUNT_32);
  },
  max_concurrent(draft, option) {
    draft.maxConcurrent = integerOf('forward', optionArgument('forward', option), COUNT);
  },
  read_timeout(draft, option) {
    draft.readTimeoutMs = durationOf('forward', optionArgument('forward', option), DURATION_MIN_MS);
  },
  policy(draft, option) {
    const word = optionArgument('forward', option);
    draft.policy = oneOf('forward', word, ['random', 'round_robin', 'sequential']);
  },
  health_check: readHealthCheck,
  next(draft, option) {
    draft.next = [
      ...draft.next,
      ...optionArguments('forward', option, SOME).map((word) => rcodeOf('forward', word)),
    ];
  },
  next_on_nodata(draft, option) {
    optionArguments('forward', option, NONE);
    draft.nextOnNodata = true;
  },
  failover(draft, option) {
    const words = optionArguments('forward', option, SOME);
    draft.failover = [...draft.failover, ...words.map(failoverRcodeOf)];
  },
  failfast_all_unhealthy_upstreams(draft, option) {
    optionArguments('forward', option, NONE);
    draft.failfastAllUnhealthy = true;
  },
  tls: readTls,
  tls_servername(draft, option) {
    draft.tls = { ...draft.tls, serverName: optionArgument('forward', option).text || undefined };
  },
  doh_method(draft, option) {
    draft.dohMethod = oneOf('forward', optionArgument('forward', option), ['GET', 'POST']);
  },
  source_address(draft, option) {
    const word = optionArgument('forward', option);
    const address = canonicalAddress(word.text);
    draft.sourceAddress =
      address ?? fail('forward', word, `'${word.text}': expected an IP address`);
  },
  resolver(draft, option) {
    draft.resolvers = optionArguments('forward', option, SOME).map(resolverOf);
  },
};

const OPTIONS = new Map(Object.entries(OPTION_READERS));

/** Every `forward` of a block, in the order in which they are tried. */
export function readForward(lines: readonly Directive[], context: BlockContext): ForwardOptions[] {
  return lines.map((line) => readOne(line, context));
}

function readOne(line: Directive, context: BlockContext): ForwardOptions {
  const [fromWord, ...toWords] = argumentsBeforeBlock(line, {
    min: 2,
    max: Number.POSITIVE_INFINITY,
  });
  const draft: Draft = { ...DEFAULTS };
  for (const option of line.block ?? []) {
    const read =
      OPTIONS.get(option.name.text) ?? failOption('forward', option, [...OPTIONS.keys()]);
    read(draft, option, context);
  }
  const options = {
    from: fromOf(fromWord!, context),
    ...readUpstreams(toWords, context),
    ...draft,
  };
  checkTogether(line, options);
  return options;
}

/** What no option breaks alone. */
function checkTogether(line: Directive, { tls, to, maxAgeMs, expireMs }: ForwardOptions): void {
  if (maxAgeMs > 0 && maxAgeMs < expireMs) {
    const option = line.block?.findLast(({ name }) => name.text === 'max_age');
    fail(
      'forward',
      option?.name ?? line.name,
      `max_age: expected at least expire (${expireMs / 1_000}s)`,
    );
  }
  const named = to.find((endpoint) => endpoint.serverName !== undefined);
  if (tls.serverName !== undefined && named !== undefined) {
    const option = line.block?.findLast(({ name }) => name.text === 'tls_servername');
    const problem = `tls_servername: expected no name here or none at ${named.host} ('${named.serverName}')`;
    fail('forward', option?.name ?? line.name, problem);
  }
}

/** One `forward` has one zone: of a CIDR block that needs several CoreDNS takes the first. */
function fromOf(word: Word, context: BlockContext): string {
  const [first, ...others] = readZones('forward', word);
  if (others.length > 0) {
    const problem = `'${word.text}' is ${others.length + 1} zones, and only ${first} is forwarded`;
    context.warn({ directive: 'forward', at: word.at, problem });
  }
  return first!;
}

function readHealthCheck(draft: Draft, option: Directive): void {
  const [interval, ...rest] = optionArguments('forward', option, SOME);
  draft.healthCheckIntervalMs = durationOf('forward', interval!);
  draft.healthCheckDomain = '.';
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index]!;
    if (oneOf('forward', word, ['no_rec', 'domain']) === 'no_rec') {
      draft.healthCheckRecursionDesired = false;
    } else {
      index += 1;
      const name =
        rest[index] ?? fail('forward', word, 'health_check: expected a name after domain');
      draft.healthCheckDomain = readName('forward', name);
    }
  }
}

function readTls(draft: Draft, option: Directive): void {
  const paths = optionArguments('forward', option, { min: 0, max: 3 }).map(({ text }) => text);
  const [certPath, keyPath, caPath] = paths.length === 1 ? [undefined, undefined, paths[0]] : paths;
  draft.tls = { ...draft.tls, caPath, certPath, keyPath };
}

function failoverRcodeOf(word: Word): number {
  const rcode = rcodeOf('forward', word);
  return rcode === RCODE.NOERROR
    ? fail('forward', word, 'failover: expected an rcode other than NOERROR')
    : rcode;
}

function resolverOf(word: Word): string {
  const parts = splitHostPort(word.text);
  const isAddress = canonicalAddress(parts?.host ?? word.text) !== undefined;
  const hasPort = parts === undefined || portOf(parts.port) !== undefined;
  return isAddress && hasPort
    ? word.text
    : fail('forward', word, `'${word.text}': expected an IP address or IP:PORT`);
}
