/** `zerohop status`: the daemon's account of itself, for people; `--json` gives it whole. */
import { durationText } from '../base/duration-text.ts';
import { hostPort } from '../base/ip-address.ts';
import { printable } from '../base/printable.ts';
import type { DropStatus } from '../control/drop-status.ts';
import type { BlockStatus, Status } from '../control/status.ts';
import type { UpstreamSnapshot } from '../upstream/upstream.ts';
import { type Command, readOptions } from './command.ts';
import { askDaemon, CONTROL_HELP, CONTROL_OPTION } from './control-option.ts';

const HELP = `Usage: zerohop status [OPTIONS]

Shows what the daemon of this node says of itself: version and configuration,
addresses, server blocks with their upstreams, what it holds and what it had to
drop. Whether the node around it is well is what 'zerohop doctor' says.

Options:
  --json                  all of it as JSON
${CONTROL_HELP}
Exit codes: 0 it answered; 2 it cannot be asked.
`;

export const status: Command = {
  help: HELP,
  async run(args, output) {
    const options = { ...CONTROL_OPTION, json: { type: 'boolean' } } as const;
    const { values } = readOptions(args, options, 0);
    const { value } = await askDaemon(values['control-socket'], 'GET', '/status');
    if (values.json) output.write(`${JSON.stringify(value, undefined, 2)}\n`);
    else output.write(statusText(value as Status));
    return 0;
  },
};

/** As a terminal shows it. */
export function statusText(status: Status): string {
  const { udp, inFlight, cache, configuration } = status;
  const lines = [
    `Zerohop ${status.version} (${status.revision}), node ${status.node}, process ${status.pid}`,
    `Up          ${durationText(status.uptimeS * 1000)}, since ${status.startedAt}`,
    `Corefile    ${corefileText(configuration)}`,
    ...configuration.refused.map((line) => `Refused     ${line}`),
    `Listens on  ${status.listeners.map(({ host, port }) => hostPort(host, port)).join(' ')}`,
    `UDP         ${udp.backend}, ${count(udp.responders, 'responder')}, ${udp.responderRestarts} restarts`,
    `Network     ${networkText(status)}`,
    `TCP         ${count(udp.tcpConnections, 'connection')}`,
    `In flight   ${count(inFlight.questions, 'question')}, ${inFlight.waiters} waiting clients, ${inFlight.coalesced} shared so far`,
    `Cache       ${count(cache.entries, 'entry', 'entries')}, ${mebibytes(cache.usedBytes)} of ${mebibytes(cache.budgetBytes)} MiB`,
    `Drops       ${dropText(status.drops)}`,
    ...status.blocks.flatMap(blockLines),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function networkText({ network, notReady }: Status): string {
  const { interface: name, lease } = network;
  return [
    name === null ? 'no interface of its own' : `addresses on ${name}`,
    lease === null ? 'no interception' : `lease ${lease}`,
    notReady.length === 0 ? 'ready' : `not ready: ${notReady.join(', ')}`,
  ].join(', ');
}

function blockLines({ zones, directives, cache, forwards }: BlockStatus): string[] {
  const keys = zones.map(({ zone, port }) => `${zone}:${port}`).join(' ');
  return [
    '',
    keys,
    `  ${directives.join(' ')}`,
    ...(cache ? [`  cache: ${cache.success} answers, ${cache.denial} denials`] : []),
    ...forwards.flatMap(({ from, upstreams }) =>
      upstreams.map((upstream) => `  forward ${from} to ${upstreamText(upstream)}`),
    ),
  ];
}

function upstreamText(upstream: UpstreamSnapshot): string {
  const { to, healthy, fails, connections, udpSockets, outstanding, meanMs, p95Ms } = upstream;
  const parts = [
    healthy ? 'up' : 'DOWN',
    ...(fails > 0 ? [`${fails} fails`] : []),
    p95Ms === 0 ? 'not asked yet' : `${milliseconds(meanMs)}, p95 ${milliseconds(p95Ms)}`,
    ...(connections > 0 ? [count(connections, 'connection')] : []),
    ...(udpSockets > 0 ? [count(udpSockets, 'UDP socket')] : []),
    ...(outstanding > 0 ? [`${outstanding} under way`] : []),
  ];
  return `${to}: ${parts.join(', ')}`;
}

function dropText(drops: DropStatus): string {
  const some = Object.entries(drops).filter(([, value]) => value > 0);
  return some.length === 0 ? 'none' : some.map(([name, value]) => `${name} ${value}`).join(', ');
}

function count(value: number, one: string, many = `${one}s`): string {
  return `${value} ${value === 1 ? one : many}`;
}

function mebibytes(octets: number): string {
  return (octets / 2 ** 20).toFixed(1);
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

function corefileText({ path, template, hash }: Status['configuration']): string {
  const from = template === null ? '' : `, rendered from ${template}`;
  return `${path}${from}, SHA512 ${hash.slice(0, 16)}...`;
}
