/**
 * `bind ADDRESS|INTERFACE... { except ADDRESS|INTERFACE... }`: where a server block listens; every address without it.
 * It may repeat, and then all of them count; `except` takes only from its own `bind`.
 *
 * Interfaces come and go, so the settings keep the words; `boundAddresses` makes addresses of them when listeners are made.
 */
import type { NetworkInterfaceInfo } from 'node:os';
import type { Directive, Word } from '../corefile/ast.ts';
import { canonicalAddress } from './address.ts';
import { argumentsBeforeBlock, fail, failOption, optionArguments } from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface BindOptions {
  /** Addresses and names of interfaces, as written. */
  readonly to: readonly Word[];
  readonly except: readonly Word[];
}

/** What os.networkInterfaces() returns. */
export type Interfaces = Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>;

const SOME = { min: 1, max: Number.POSITIVE_INFINITY };
const ANY = { min: 0, max: Number.POSITIVE_INFINITY };

/** Undefined where the block has no `bind`. */
export function readBind(
  lines: readonly Directive[],
  context: Pick<BlockContext, 'warn'>,
): readonly BindOptions[] | undefined {
  return lines.length === 0 ? undefined : lines.map((line) => readOne(line, context));
}

function readOne(line: Directive, { warn }: Pick<BlockContext, 'warn'>): BindOptions {
  const to = argumentsBeforeBlock(line, SOME);
  let except: readonly Word[] = [];
  for (const option of line.block ?? []) {
    if (option.name.text !== 'except') failOption('bind', option, ['except']);
    except = optionArguments('bind', option, ANY);
    if (except.length > 0) continue;
    // CoreDNS refuses it since 1.14.7.
    const problem = 'except has no effect: write at least one address or interface';
    warn({ directive: 'bind', at: option.name.at, problem });
  }
  return { to, except };
}

/**
 * The addresses to listen on, each once, in the order of the Corefile; a link-local IPv6 address of an interface carries
 * its zone (`fe80::1%eth0`). Throws a `CorefileError` where a word is neither an address nor an interface, or none is left.
 */
export function boundAddresses(bind: readonly BindOptions[], interfaces: Interfaces): string[] {
  return distinctAddresses(bind, (word) => addressesOf(word, interfaces));
}

/** As `boundAddresses`, but an interface stands for itself: enough to compare two blocks before interfaces are known. */
export function boundWords(bind: readonly BindOptions[]): string[] {
  return distinctAddresses(bind, ({ text }) => [canonicalAddress(text) ?? text]);
}

function distinctAddresses(
  bind: readonly BindOptions[],
  resolve: (word: Word) => readonly string[],
): string[] {
  const all = bind.flatMap(({ to, except }) => {
    const taken = new Set(except.flatMap(resolve));
    return to.flatMap(resolve).filter((address) => !taken.has(address));
  });
  const first = bind[0]?.to[0];
  if (all.length === 0 && first !== undefined)
    fail('bind', first, 'expected an address that is left to listen on');
  return [...new Set(all)];
}

function addressesOf(word: Word, interfaces: Interfaces): string[] {
  const infos = interfaces[word.text];
  if (infos !== undefined) return infos.map((info) => interfaceAddress(info, word.text));
  const address = canonicalAddress(word.text);
  return address === undefined
    ? fail('bind', word, `'${word.text}': expected an IP address or the name of an interface`)
    : [address];
}

/** fe80::/10 and ff00::/8 mean nothing without the interface (RFC 4007 §6). */
function interfaceAddress({ address, family }: NetworkInterfaceInfo, name: string): string {
  const text = canonicalAddress(address) ?? address;
  return family === 'IPv6' && /^(fe[89ab]|ff)/.test(text) ? `${text}%${name}` : text;
}
