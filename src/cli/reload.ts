/** `zerohop reload`: what `kill -USR1` does, and the outcome with it. */
import { printable } from '../base/printable.ts';
import type { ReloadResult } from '../control/reload.ts';
import type { Command } from './command.ts';
import { readOptions } from './command.ts';
import { askDaemon, CONTROL_HELP, CONTROL_OPTION } from './control-option.ts';

const HELP = `Usage: zerohop reload [OPTIONS]

Has the daemon read its Corefile again at once, and waits for the outcome. No
query is lost, and what did not change keeps its cache and its connections.

Options:
  --json                  the outcome as JSON
${CONTROL_HELP}
Exit codes: 0 the new configuration serves; 1 the Corefile has a mistake, and
the configuration before it goes on; 2 the daemon cannot be asked.
`;

export const reload: Command = {
  help: HELP,
  async run(args, output) {
    const options = { ...CONTROL_OPTION, json: { type: 'boolean' } } as const;
    const { values } = readOptions(args, options, 0);
    const { value } = await askDaemon(values['control-socket'], 'POST', '/reload');
    const result = value as ReloadResult;
    if (values.json) output.write(`${JSON.stringify(result, undefined, 2)}\n`);
    else output.write(`${printable(textOf(result))}\n`);
    return result.ok ? 0 : 1;
  },
};

function textOf(result: ReloadResult): string {
  if (result.ok) return `reloaded: running configuration SHA512 = ${result.hash}`;
  return `not reloaded, the configuration before goes on: ${result.reason}`;
}
