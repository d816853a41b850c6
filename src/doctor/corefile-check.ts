/** Whether the Corefile on disk can be read as the daemon reads it. */
import { healthPortWarnings } from '../control/health-port.ts';
import { CorefileError } from '../corefile/ast.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { NodeContext } from './node-context.ts';

export const COREFILE_CHECK: Check = {
  name: 'corefile',
  timeoutMs: 5000,
  run: async (node) => [...fileFindings(node), ...refusedFindings(node)],
};

function fileFindings({ target }: NodeContext): Finding[] {
  const { configuration, corefilePath, flags } = target;
  if (configuration.ok) {
    const { servers, warnings } = configuration.configuration;
    const findings = [...warnings, ...healthPortWarnings(servers, flags)].map((line) =>
      warning(line, 'zerohop lint says more'),
    );
    const blocks = `${servers.length} server block${servers.length === 1 ? '' : 's'}`;
    return findings.length === 0 ? [ok(`${corefilePath} is right: ${blocks}`)] : findings;
  }
  const { error } = configuration;
  if (error instanceof CorefileError) {
    const advice =
      'the running configuration goes on, but a restart fails: zerohop lint finds all mistakes';
    return [failed(error.message, advice)];
  }
  return [skipped(error.message, 'run the doctor in the pod, or name the file (--corefile)')];
}

/** What of the template and the kube-dns ConfigMap the daemon has refused. */
function refusedFindings({ daemon }: NodeContext): Finding[] {
  const refused = daemon.ok ? daemon.status.configuration.refused : [];
  const advice = 'mend the entry in the ConfigMap; the rest of it is in effect';
  return refused.map((line) => warning(`refused: ${line}`, advice));
}
