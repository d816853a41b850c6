/** `--local-ip IP[,IP...]`, as several commands have it. */
import { canonicalAddress } from '../directives/address.ts';
import { UsageError } from './command.ts';

/** Each in its one spelling; empty where the option is not given. */
export function localIpsOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text.split(',').map((part) => {
    const address = canonicalAddress(part);
    if (address === undefined) throw new UsageError(`--local-ip '${part}': expected an IP address`);
    return address;
  });
}
