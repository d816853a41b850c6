/**
 * `prometheus [HOST:PORT] { tls CONFIG_FILE; runtime_metrics }`: series of the block's zones at the HTTP endpoint
 * `/metrics`. Once in a server block; blocks that name the same address share one endpoint.
 */
import type { Directive, Position, Word } from '../corefile/ast.ts';
import { type ListenAddress, listenAddressOf } from './address.ts';
import {
  argumentsBeforeBlock,
  fail,
  failOption,
  onlyOne,
  optionArgument,
  optionArguments,
} from './argument.ts';

export interface PrometheusOptions {
  readonly address: ListenAddress;
  /** Names a Prometheus web configuration file, which is read when the endpoint opens; undefined: plain HTTP. */
  readonly tlsConfigFile: Word | undefined;
  /** Where `runtime_metrics` stands. It asks for series of Go's runtime, which is not here. */
  readonly runtimeMetricsAt: Position | undefined;
}

/** CoreDNS's default. */
const ADDRESS_DEFAULT: ListenAddress = { host: 'localhost', port: 9153 };

/** Undefined where the block has no `prometheus`. */
export function readPrometheus(lines: readonly Directive[]): PrometheusOptions | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const [address] = argumentsBeforeBlock(line, { min: 0, max: 1 });
  let tlsConfigFile: Word | undefined;
  let runtimeMetricsAt: Position | undefined;
  for (const option of line.block ?? []) {
    switch (option.name.text) {
      case 'tls':
        if (tlsConfigFile !== undefined) fail('prometheus', option.name, 'tls: expected only once');
        tlsConfigFile = optionArgument('prometheus', option);
        break;
      case 'runtime_metrics':
        optionArguments('prometheus', option, { min: 0, max: 0 });
        runtimeMetricsAt ??= option.name.at;
        break;
      default:
        failOption('prometheus', option, ['tls', 'runtime_metrics']);
    }
  }
  return {
    address: address === undefined ? ADDRESS_DEFAULT : listenAddressOf('prometheus', address),
    tlsConfigFile,
    runtimeMetricsAt,
  };
}
