/** The option of all commands that ask the daemon, and how they ask it. */

import { askControl } from '../control/control-client.ts';
import { CONTROL_SOCKET_PATH } from '../control/flags.ts';
import { CommandError } from './command.ts';

export const CONTROL_OPTION = {
  'control-socket': { type: 'string', default: CONTROL_SOCKET_PATH },
} as const;

export const CONTROL_HELP = `  --control-socket PATH   where the daemon listens for commands
                          (default ${CONTROL_SOCKET_PATH})
`;

/** Nobody could be asked. */
const EXIT_UNREACHABLE = 2;

/** The reply's status and value; throws a `CommandError` where nobody answers. */
export async function askDaemon(
  path: string,
  method: 'GET' | 'POST',
  page: string,
): Promise<{ readonly status: number; readonly value: unknown }> {
  const reply = await askControl(path, method, page);
  if (reply.ok) return reply;
  throw new CommandError(`cannot ask the daemon at ${path}: ${reply.reason}`, EXIT_UNREACHABLE);
}
