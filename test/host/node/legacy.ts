/** Whether iptables-legacy works on this machine. */
import { execFileSync } from 'node:child_process';

/** Why it does not, as the reason of a skipped test; false where it does. */
export function legacyProblem(): string | false {
  try {
    const script = 'iptables-legacy -t raw -S && ip6tables-legacy -t raw -S';
    execFileSync('unshare', ['--net', 'sh', '-ec', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return false;
  } catch (error) {
    return `iptables-legacy does not work with this kernel: ${(error as Error).message}`;
  }
}
