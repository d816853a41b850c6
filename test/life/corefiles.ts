/** Corefiles for tests of the daemon's life: one block on loopback, cached, forwarded to an upstream of the test. */
import type { DaemonPorts } from '../support/daemon.ts';

export interface CorefileParts {
  readonly upstream: number;
  /** Default 127.0.0.1; an empty list: no `bind`. */
  readonly bind?: readonly string[];
  /** Further lines of the block. */
  readonly lines?: readonly string[];
}

/** The Corefile's text, once the ports are known. */
export function corefile({ upstream, bind = ['127.0.0.1'], lines = [] }: CorefileParts) {
  return ({ dns }: DaemonPorts): string =>
    [
      `.:${dns} {`,
      ...(bind.length > 0 ? [`  bind ${bind.join(' ')}`] : []),
      ...lines.map((line) => `  ${line}`),
      '  errors',
      '  cache 30',
      `  forward . 127.0.0.1:${upstream}`,
      '}',
      '',
    ].join('\n');
}
