/** Whether the daemon runs, answers at its control socket, and serves what stands in its Corefile. */
import { durationText } from '../base/duration-text.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';
import type { NodeContext } from './node-context.ts';

/** Shorter than that it may have just been started, or not for the first time. */
const YOUNG_S = 60;

export const DAEMON_CHECK: Check = {
  name: 'daemon',
  timeoutMs: 5000,
  run: async (node) => [...statusFindings(node), ...processFindings(node)],
};

function processFindings({ target }: NodeContext): Finding[] {
  const ours = target.processes.filter(({ program }) => program === 'zerohop');
  const others = target.processes.filter(({ program }) => program === 'node-cache');
  const findings: Finding[] = [];
  if (ours.length > 1) {
    const pids = ours.map(({ pid }) => pid).join(', ');
    const advice = 'right during an upgrade, for some seconds; else end the older one';
    findings.push(warning(`${ours.length} processes of Zerohop run side by side: ${pids}`, advice));
  }
  if (others.length > 0) {
    const pids = others.map(({ pid }) => pid).join(', ');
    findings.push(
      warning(
        `node-cache runs here too (process ${pids}): both take queries, and both set up rules`,
        'remove the other DaemonSet from this node, by label or by node selector',
      ),
    );
  }
  return findings;
}

function statusFindings({ daemon, target }: NodeContext): Finding[] {
  if (!daemon.ok) {
    const text = `the control socket does not answer: ${daemon.reason}`;
    if (target.processes.some(({ program }) => program === 'zerohop')) {
      const advice =
        'run the doctor in the pod of the daemon and as its user, or name the socket (--control-socket)';
      return [warning(text, advice)];
    }
    return [
      failed(
        `no process of Zerohop is to be seen, and ${text}`,
        'kubectl -n kube-system get pods -o wide, and the logs of the pod on this node (--previous after a crash); ' +
          'what follows is examined all the same',
      ),
    ];
  }
  const { version, pid, uptimeS, udp, configuration } = daemon.status;
  const threads = `${udp.responders} responder${udp.responders === 1 ? '' : 's'}`;
  const text = `Zerohop ${version} runs as process ${pid}, up ${durationText(uptimeS * 1000)}, ${threads}`;
  const findings: Finding[] = [];
  if (uptimeS < YOUNG_S) {
    const advice =
      'if nobody has restarted it, look at the logs of the container before (--previous)';
    findings.push(warning(`${text}: started less than a minute ago`, advice));
  } else {
    findings.push(ok(text));
  }
  if (udp.responderRestarts > 0) {
    const advice = 'its log names the broken invariant: report it';
    findings.push(
      warning(`responders died ${udp.responderRestarts} times and were restarted`, advice),
    );
  }
  if (udp.backend === 'dgram') {
    const advice = 'its log says why koffi could not load';
    findings.push(warning('UDP is served through node:dgram, which takes twice the CPU', advice));
  }
  const { notReady } = daemon.status;
  if (notReady.length > 0) {
    const advice = 'probes of /ready say the same; what follows shows why';
    findings.push(warning(`it is not ready: ${notReady.join(', ')}`, advice));
  }
  return [...findings, ...configurationFindings(target.configuration, configuration.hash)];
}

function configurationFindings(
  onDisk: NodeContext['target']['configuration'],
  runningHash: string,
): Finding[] {
  // Another root file system: nothing to compare with.
  if (!onDisk.ok || onDisk.configuration.hash === runningHash) return [];
  return [
    warning(
      'the Corefile on disk is another one than the one that runs',
      'zerohop reload takes it over, or says why it cannot be',
    ),
  ];
}
