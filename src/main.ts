/**
 * The daemon's entry file: node-cache's command line, its signals and its exit codes.
 *
 * The first statement takes SIGUSR1: Node's own answer to it is to open a debugger on port 9229. Imports are evaluated
 * before any statement of this file, so everything else is imported afterwards.
 */
const reloadRequests: { pending: boolean; handle: () => void } = {
  pending: false,
  handle: () => {
    reloadRequests.pending = true;
  },
};
process.on('SIGUSR1', () => reloadRequests.handle());
process.on('SIGHUP', () => {});

const { run } = await import('./control/process.ts');
await run(process.argv.slice(2), reloadRequests);

export {};
