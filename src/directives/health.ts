/**
 * `health [HOST:PORT] { lameduck DURATION }`: the HTTP endpoint with `/health`, and with `/ready`, which CoreDNS has a directive of
 * its own for. Process-wide: blocks that name the same address share one endpoint.
 */
import type { Directive } from '../corefile/ast.ts';
import { type ListenAddress, listenAddressOf } from './address.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  failOption,
  optionArgument,
  warnIgnored,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface HealthOptions {
  readonly address: ListenAddress;
  /** How long queries are still answered after the order to stop. */
  readonly lameduckMs: number;
}

/** CoreDNS's default, and that of `-health-port`. */
const PORT_DEFAULT = 8080;

/** Undefined where the block has no `health`. Of several the last counts, as in CoreDNS. */
export function readHealth(
  lines: readonly Directive[],
  context: BlockContext,
): HealthOptions | undefined {
  const all = lines.map((line) => readOne(line, context.healthPort ?? PORT_DEFAULT));
  const last = lines.at(-1);
  if (last !== undefined) warnIgnored(lines, last, context);
  return all.at(-1);
}

function readOne(line: Directive, defaultPort: number): HealthOptions {
  const [address] = argumentsBeforeBlock(line, { min: 0, max: 1 });
  let lameduckMs = 0;
  for (const option of line.block ?? []) {
    if (option.name.text !== 'lameduck') failOption('health', option, ['lameduck']);
    lameduckMs = durationOf('health', optionArgument('health', option));
  }
  return {
    address:
      address === undefined ? { host: '', port: defaultPort } : listenAddressOf('health', address),
    lameduckMs,
  };
}
