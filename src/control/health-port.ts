/** `-health-port` against the Corefile: probes of one port, and rules for them at another. */
import { hostPort } from '../base/ip-address.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import type { Flags } from './flags.ts';

export type HealthPortFlags = Pick<
  Flags,
  'localIps' | 'healthPort' | 'setupIptables' | 'interceptionBackend'
>;

/**
 * One for each `health` at a served address whose port is not `-health-port`: interception's rules for probes do not cover it.
 * A `health` without an address takes the flag's port by itself.
 */
export function healthPortWarnings(
  servers: readonly ServerConfig[],
  { localIps, healthPort, setupIptables, interceptionBackend }: HealthPortFlags,
): string[] {
  if (!setupIptables || interceptionBackend === 'none') return [];
  const isServed = (host: string) =>
    ['', '0.0.0.0', '::'].includes(host) || localIps.includes(host);
  const stray = servers.flatMap(({ health }) =>
    health && health.address.port !== healthPort && isServed(health.address.host)
      ? [health.address]
      : [],
  );
  const where = new Map(stray.map(({ host, port }) => [hostPort(host, port), port]));
  return [...where].map(
    ([address, port]) =>
      `health at ${address}, but the rules for probes are for port ${healthPort}: probes are tracked, and a firewall may drop them; start with -health-port ${port}`,
  );
}
