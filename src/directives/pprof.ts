/** `pprof [HOST:PORT] { block [RATE] }`: profiles of this process over HTTP. Once in a server block. */
import type { Directive } from '../corefile/ast.ts';
import { type ListenAddress, listenAddressOf } from './address.ts';
import {
  argumentsBeforeBlock,
  failOption,
  integerOf,
  onlyOne,
  optionArguments,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface PprofOptions {
  readonly address: ListenAddress;
}

/** CoreDNS's default. */
const ADDRESS_DEFAULT: ListenAddress = { host: 'localhost', port: 6053 };

const RATE_BOUNDS = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** Undefined where the block has no `pprof`. */
export function readPprof(
  lines: readonly Directive[],
  context: BlockContext,
): PprofOptions | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const [address] = argumentsBeforeBlock(line, { min: 0, max: 1 });
  for (const option of line.block ?? []) {
    if (option.name.text !== 'block') failOption('pprof', option, ['block']);
    const [rate] = optionArguments('pprof', option, { min: 0, max: 1 });
    if (rate !== undefined) integerOf('pprof', rate, RATE_BOUNDS);
    const problem = 'block has no effect: there are no goroutines that could block';
    context.warn({ directive: 'pprof', at: option.name.at, problem });
  }
  return {
    address: address === undefined ? ADDRESS_DEFAULT : listenAddressOf('pprof', address),
  };
}
