/** Rules about where it listens: for DNS, for health checks, for metrics. */
import { hostPort } from '../base/ip-address.ts';
import { canonicalAddress, type ListenAddress } from '../directives/address.ts';
import { isWildcard } from './address-kind.ts';
import type { Rule } from './finding.ts';
import { keyOf, type LintBlock, linesOf, type Subject } from './subject.ts';

/** node-cache's own metrics listener, `-metrics-listen-address`. */
const OWN_METRICS_PORT = 9353;

/** `-health-port`, by default. */
const HEALTH_PORT = 8080;

interface Endpoint {
  readonly name: 'health' | 'prometheus';
  readonly block: LintBlock;
  readonly address: ListenAddress;
}

function endpoints({ blocks }: Subject): Endpoint[] {
  return blocks.flatMap((block) => {
    const { health, prometheus } = block.config;
    const found: Endpoint[] = [];
    if (health) found.push({ name: 'health', block, address: health.address });
    if (prometheus) found.push({ name: 'prometheus', block, address: prometheus.address });
    return found;
  });
}

function placeOf({ block, name }: Endpoint) {
  const line = linesOf(block, name).at(-1)!;
  return (line.args[0] ?? line.name).at;
}

function overlap(one: ListenAddress, other: ListenAddress): boolean {
  const hosts = isWildcard(one.host) || isWildcard(other.host) || one.host === other.host;
  return one.port === other.port && hosts;
}

export const LISTENER_RULES: readonly Rule[] = [
  {
    name: 'bind-wildcard',
    level: 'warning',
    summary: 'a block listens on every address of the node',
    check: ({ blocks }) =>
      blocks.flatMap((block) => {
        const words = block.config.bind?.flatMap(({ to }) => to) ?? [];
        const wildcard = words.find(({ text }) => isWildcard(canonicalAddress(text) ?? text));
        if (block.config.bind !== undefined && wildcard === undefined) return [];
        if (linesOf(block, 'bind').length > 0 && block.config.bind === undefined) return [];
        return [
          {
            at: wildcard?.at ?? keyOf(block),
            problem:
              wildcard === undefined
                ? 'no bind: it listens on every address'
                : `bind ${wildcard.text}`,
            advice:
              'on the host network this clashes with other servers on the port (systemd-resolved, dnsmasq) and answers whoever ' +
              'reaches the node; bind 169.254.20.10. In a pod network of its own (Cilium) it is right',
          },
        ];
      }),
  },
  {
    name: 'health-wildcard',
    level: 'warning',
    summary: 'health on every address: port 8080 of a node is often taken',
    check: (subject) =>
      endpoints(subject)
        .filter(({ name, address }) => name === 'health' && isWildcard(address.host))
        .map((endpoint) => ({
          at: placeOf(endpoint),
          problem: `health listens on port ${endpoint.address.port} of every address of the node`,
          advice:
            'on the host network other programs use this port too; health 169.254.20.10:8080 leaves it to them, ' +
            'and the probe of the manifest names that host',
        })),
  },
  {
    name: 'health-port',
    level: 'note',
    summary: 'health at another port than 8080, which -health-port must name too',
    check: (subject) =>
      endpoints(subject)
        .filter(({ name, address }) => name === 'health' && address.port !== HEALTH_PORT)
        .map((endpoint) => ({
          at: placeOf(endpoint),
          problem: `health at port ${endpoint.address.port}: the rules for probes are for ${HEALTH_PORT} unless -health-port says otherwise`,
          advice: `have -health-port ${endpoint.address.port} among the daemon's flags, and the same port in the probes of the manifest`,
        })),
  },
  {
    name: 'health-placeholder',
    level: 'warning',
    summary: 'health with a placeholder that may become several addresses',
    check: ({ blocks, placeholderAt }) =>
      blocks
        .flatMap((block) => linesOf(block, 'health'))
        .flatMap(({ args }) => args)
        .filter(({ at }) => placeholderAt(at)?.includes('__PILLAR__LOCAL__DNS__'))
        .map(({ at }) => ({
          at,
          problem: '__PILLAR__LOCAL__DNS__ becomes every address of -localip, and health takes one',
          advice:
            'with two addresses in -localip the Corefile does not start: write the address itself',
        })),
  },
  {
    name: 'endpoint-clash',
    level: 'warning',
    summary: 'two endpoints of different kinds on one port',
    check: (subject) => {
      const all = endpoints(subject);
      const own = { host: '', port: OWN_METRICS_PORT };
      return all.flatMap((endpoint) => {
        if (endpoint.name !== 'health') return [];
        const other = all.find(
          ({ name, address }) => name === 'prometheus' && overlap(address, endpoint.address),
        );
        const isOwn = overlap(own, endpoint.address);
        if (other === undefined && !isOwn) return [];
        const { host, port } = endpoint.address;
        const who = other ? 'prometheus' : 'the listener of -metrics-listen-address';
        return [
          {
            at: placeOf(endpoint),
            problem: `${hostPort(host, port)} is an address of ${who} too: the kernel deals requests out to both`,
            advice: 'give health another port',
          },
        ];
      });
    },
  },
  {
    name: 'prometheus-addresses',
    level: 'warning',
    summary: 'blocks serve metrics at different addresses',
    check: (subject) => {
      const all = endpoints(subject).filter(({ name }) => name === 'prometheus');
      const textOf = ({ address: { host, port } }: Endpoint) => hostPort(host, port);
      const first = all[0];
      if (first === undefined) return [];
      return all
        .filter((endpoint) => textOf(endpoint) !== textOf(first))
        .map((endpoint) => ({
          at: placeOf(endpoint),
          problem: `metrics at ${textOf(endpoint)} here and at ${textOf(first)} in another block: both serve all series of all blocks`,
          advice: 'scraping both counts everything twice: write one address in all blocks',
        }));
    },
  },
  {
    name: 'prometheus-missing',
    level: 'warning',
    summary: 'some blocks have prometheus and others have not',
    check: ({ blocks }) => {
      const without = blocks.filter((block) => linesOf(block, 'prometheus').length === 0);
      if (without.length === blocks.length) return [];
      return without.map((block) => ({
        at: keyOf(block),
        problem: 'no prometheus: the queries of this block are not counted, though others are',
        advice: 'add the line that the other blocks have',
      }));
    },
  },
  {
    name: 'port-not-53',
    level: 'note',
    summary: 'a block serves a port that no stub resolver asks',
    check: ({ blocks }) =>
      blocks.flatMap(({ config }) =>
        config.zones
          .filter(({ port }) => port !== 53)
          .map(({ at, port }) => ({
            at,
            problem: `port ${port}: /etc/resolv.conf knows no port, so pods ask port 53`,
            advice: 'right only where something else sends queries here',
          })),
      ),
  },
];
