/**
 * `prometheus [HOST:PORT] { tls CONFIG_FILE; runtime_metrics }`: series of the block's zones at the HTTP endpoint
 * `/metrics`. Once in a server block; blocks that name the same address share one endpoint.
 */
import type { Directive } from '../corefile/ast.ts';
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
  /** A Prometheus web configuration file; undefined: plain HTTP. */
  readonly tlsConfigPath: string | undefined;
  /** More series of the runtime itself. */
  readonly runtimeMetrics: boolean;
}

/** CoreDNS's default. */
const ADDRESS_DEFAULT: ListenAddress = { host: 'localhost', port: 9153 };

/** Undefined where the block has no `prometheus`. */
export function readPrometheus(lines: readonly Directive[]): PrometheusOptions | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const [address] = argumentsBeforeBlock(line, { min: 0, max: 1 });
  let tlsConfigPath: string | undefined;
  let runtimeMetrics = false;
  for (const option of line.block ?? []) {
    switch (option.name.text) {
      case 'tls':
        if (tlsConfigPath !== undefined) fail('prometheus', option.name, 'tls: expected only once');
        tlsConfigPath = optionArgument('prometheus', option).text;
        break;
      case 'runtime_metrics':
        optionArguments('prometheus', option, { min: 0, max: 0 });
        runtimeMetrics = true;
        break;
      default:
        failOption('prometheus', option, ['tls', 'runtime_metrics']);
    }
  }
  return {
    address: address === undefined ? ADDRESS_DEFAULT : listenAddressOf('prometheus', address),
    tlsConfigPath,
    runtimeMetrics,
  };
}
