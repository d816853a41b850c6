/**
 * How setting up the node can fail. A failure is data: `control` counts it in `coredns_nodecache_setup_errors_total`, logs
 * its text, and goes on; what failed is tried again at the next look.
 */

export type HostFailure =
  /** Another process held the xtables lock, or changed the rules at the same moment, each time we tried. */
  | { readonly code: 'lock'; readonly command: string; readonly detail: string }
  /** A program that is not installed, or not on PATH. */
  | { readonly code: 'missing_binary'; readonly binary: string }
  /** The kernel refused for want of a capability, named as in capabilities(7). */
  | { readonly code: 'permission'; readonly capability: string; readonly command: string }
  /** A match, target or table that this kernel does not have and we cannot do without. */
  | { readonly code: 'kernel_part_missing'; readonly part: string; readonly command: string }
  /** Anything else that a command or a system call complained of; `detail` is its own text, one line. */
  | { readonly code: 'command_failed'; readonly command: string; readonly detail: string }
  /** A command that was still running at its deadline and was ended. */
  | { readonly code: 'timeout'; readonly command: string; readonly timeoutMs: number };

/** The `errortype` that node-cache counts a failure of the rules under. */
export function rulesErrorType(failure: HostFailure): 'iptables' | 'iptables_lock' {
  return failure.code === 'lock' ? 'iptables_lock' : 'iptables';
}

/** One line for the log: what failed, why, and what to do where that is known. */
export function failureText(failure: HostFailure): string {
  switch (failure.code) {
    case 'lock':
      return `${failure.command}: another process is changing the rules: ${failure.detail}`;
    case 'missing_binary':
      return `${failure.binary} is not installed or not on PATH`;
    case 'permission':
      return `${failure.command}: permission denied: the container needs the capability ${failure.capability}`;
    case 'kernel_part_missing':
      return `${failure.command}: this kernel has no ${failure.part}`;
    case 'command_failed':
      return `${failure.command}: ${failure.detail}`;
    case 'timeout':
      return `${failure.command}: no end after ${failure.timeoutMs} ms`;
  }
}
