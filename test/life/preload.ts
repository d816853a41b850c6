/** Faults that a test plants in the daemon from outside: statements that Node runs in a thread before the daemon's own. */

/** Node's flag for it. The statements get builtins by `builtin('node:fs')`. */
export function preload(thread: 'main' | 'responder', statements: string): string {
  const module = `
    const builtin = (name) => process.getBuiltinModule(name);
    const thread = builtin('node:worker_threads').isMainThread ? 'main' : 'responder';
    if (thread === '${thread}') { ${statements} }`;
  return `--import=data:text/javascript,${encodeURIComponent(module)}`;
}
