/**
 * The daemon's entry file: it takes the signals, then starts the rest. Imports are evaluated before any statement of this
 * file, so everything is imported afterwards.
 *
 * Node's own answer to SIGUSR1 is to open a debugger on port 9229, from before the first statement of any program. So
 * cli/node-cache starts Node with `--disable-sigusr1`; that leaves the signal blocked, and it waits in the kernel until the
 * daemon serves and unblocks it. Without the flag it is ours from the first statement on.
 */
import type { Signals } from './control/process.ts';

const signals: Signals = {
  isReloadDue: false,
  handle(signal) {
    if (signal === 'SIGUSR1') signals.isReloadDue = true;
    else process.exit(0);
  },
};
for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  process.on(signal, () => signals.handle(signal));
}
// Nothing to do at the end of a session, and no upgrade in place; by default either would end the process.
for (const signal of ['SIGHUP', 'SIGUSR2']) process.on(signal, () => {});

const { startAhead } = await import('./server/responder-worker.ts');
startAhead();
const { run } = await import('./control/process.ts');
await run(process.argv.slice(2), signals);
