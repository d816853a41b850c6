/** `dns64 [PREFIX] { prefix PREFIX; translate_all; allow_ipv4 }`: AAAA answers made of A records (RFC 6147). */
import { prefixFromText } from '../base/ip-prefix.ts';
import type { Directive, Word } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  fail,
  failOption,
  optionArgument,
  optionArguments,
} from './argument.ts';

export interface Dns64Options {
  /** In CIDR notation. */
  readonly prefix: string;
  readonly translateAll: boolean;
  /** Translates for clients that come over IPv4 too. */
  readonly allowIpv4: boolean;
}

/** The well-known prefix (RFC 6052 §2.1). */
const PREFIX_DEFAULT = '64:ff9b::/96';
/** RFC 6052 §2.2; CoreDNS takes 72, 80 and 88 too. */
const PREFIX_LENGTHS = [32, 40, 48, 56, 64, 72, 80, 88, 96];

/** Undefined where the block has no `dns64`. Several add up, as in CoreDNS: the last prefix counts. */
export function readDns64(lines: readonly Directive[]): Dns64Options | undefined {
  if (lines.length === 0) return undefined;
  const options = { prefix: PREFIX_DEFAULT, translateAll: false, allowIpv4: false };
  for (const line of lines) {
    const [prefix] = argumentsBeforeBlock(line, { min: 0, max: 1 });
    if (prefix !== undefined) options.prefix = prefixOf(prefix);
    for (const option of line.block ?? []) readOption(options, option);
  }
  return options;
}

function readOption(
  options: { prefix: string; translateAll: boolean; allowIpv4: boolean },
  option: Directive,
): void {
  const name = option.name.text;
  if (name === 'prefix') {
    options.prefix = prefixOf(optionArgument('dns64', option));
    return;
  }
  if (name === 'translate_all') options.translateAll = true;
  else if (name === 'allow_ipv4') options.allowIpv4 = true;
  else failOption('dns64', option, ['prefix', 'translate_all', 'allow_ipv4']);
  optionArguments('dns64', option, { min: 0, max: 0 });
}

function prefixOf(word: Word): string {
  const prefix = prefixFromText(word.text);
  if (prefix?.address.length !== 16 || !PREFIX_LENGTHS.includes(prefix.length)) {
    const lengths = '32, 40, 48, 56, 64 or 96';
    return fail('dns64', word, `'${word.text}': expected an IPv6 prefix of length ${lengths}`);
  }
  return word.text;
}
