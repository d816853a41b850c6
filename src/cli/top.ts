/** `zerohop top`: what is going on in the daemon, live on a terminal; `--json` gives it whole. */
import { setTimeout as pause } from 'node:timers/promises';
import { askControl } from '../control/control-client.ts';
import type { Top } from '../control/top-report.ts';
import { type Command, type Output, readOptions, secondsOf } from './command.ts';
import { askDaemon, CONTROL_HELP, CONTROL_OPTION } from './control-option.ts';
import { glyphsFor, LiveTerminal } from './live-terminal.ts';
import { type Line, piece, written } from './screen-line.ts';
import { topScreen } from './top-screen.ts';

const HELP = `Usage: zerohop top [OPTIONS]

Shows what is going on in the daemon of this node: queries a second, how many
of them the cache answered, how long answers took, upstreams, and who asks for
what. Figures are of the last ten seconds. While it runs, the daemon samples
names and clients; it stops some seconds after the last look. 'q' ends it,
Ctrl-Z stops it as it does other programs.

Options:
  --once                  one look, after watching for --interval seconds;
                          so too where the output is no terminal
  --json                  all of it as JSON, a line for each look
  --interval SECONDS      between two looks (default 1; with --once 3)
${CONTROL_HELP}
Exit codes: 0 it answered; 2 it cannot be asked.
`;

/** Names and clients too, and the watch on them goes on. */
const PAGE = '/top?names=1';
const INTERVAL_MAX_S = 60;
/** Of one look, while others follow. */
const LOOK_TIMEOUT_MS = 5000;
/** More than any terminal has: whoever reads a file scrolls. */
const FILE_ROWS = 60;

export const top: Command = {
  help: HELP,
  async run(args, output) {
    const { values } = readOptions(
      args,
      {
        ...CONTROL_OPTION,
        once: { type: 'boolean' },
        json: { type: 'boolean' },
        interval: { type: 'string' },
      } as const,
      0,
    );
    const isOnce = values.once === true || (!values.json && !process.stdout.isTTY);
    const interval = values.interval ?? (isOnce ? '3' : '1');
    const intervalMs = secondsOf('--interval', interval, INTERVAL_MAX_S);
    const socket = values['control-socket'];
    // The first look begins the watch, and says where nobody answers.
    await look(socket);
    if (isOnce) {
      await pause(intervalMs);
      const value = await look(socket);
      output.write(values.json ? jsonLine(value) : pageText(value, output));
    } else if (values.json) {
      for (;;) {
        await pause(intervalMs);
        output.write(jsonLine(await look(socket)));
      }
    } else {
      await live(socket, intervalMs, output);
    }
    return 0;
  },
};

async function look(socket: string): Promise<Top> {
  return (await askDaemon(socket, 'GET', PAGE)).value as Top;
}

async function live(socket: string, intervalMs: number, output: Output): Promise<void> {
  const terminal = new LiveTerminal(process.stdin, process.stdout, output.hasColour);
  const glyphs = glyphsFor(process.env);
  let hasEnded = false;
  const ended = terminal.ended.then(() => {
    hasEnded = true;
  });
  let last: Top | undefined;
  terminal.open();
  try {
    while (!hasEnded) {
      const reply = await Promise.race([askControl(socket, 'GET', PAGE, LOOK_TIMEOUT_MS), ended]);
      if (reply === undefined) break;
      if (reply.ok) last = reply.value as Top;
      const problem = reply.ok ? undefined : reply.reason;
      terminal.show(() => liveLines(last, problem, { ...terminal.size, glyphs }));
      await Promise.race([pause(intervalMs), ended]);
    }
  } finally {
    terminal.close();
  }
}

/** With a problem, what was last known stands below it. */
function liveLines(
  value: Top | undefined,
  problem: string | undefined,
  screen: Parameters<typeof topScreen>[1],
): Line[] {
  if (problem === undefined) return value === undefined ? [] : topScreen(value, screen);
  const line = [piece(`no answer of the daemon: ${problem}`.slice(0, screen.columns), 'red')];
  if (value === undefined) return [line];
  return [line, ...topScreen(value, { ...screen, rows: screen.rows - 1 })];
}

function pageText(value: Top, { hasColour, columns }: Output): string {
  const lines = topScreen(value, { columns, rows: FILE_ROWS, glyphs: glyphsFor(process.env) });
  return lines.map((line) => `${written(line, hasColour).trimEnd()}\n`).join('');
}

function jsonLine(value: Top): string {
  return `${JSON.stringify(value)}\n`;
}
