/**
 * The operator's command: `zerohop COMMAND [OPTIONS]`. A wrong command line is one line on stderr and exit code 2; what the
 * other codes mean is each command's.
 */
import { printable } from '../base/printable.ts';
import { VERSION } from '../control/version.ts';
import { type Command, CommandError, type Output, UsageError } from './command.ts';

interface Entry {
  readonly summary: string;
  /** Loaded when it is called: some bring libraries that the others do without. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: ReadonlyMap<string, Entry> = new Map([
  [
    'doctor',
    {
      summary: "examine this node's DNS, step by step, and say what to do",
      load: async () => (await import('./doctor.ts')).doctor,
    },
  ],
  [
    'lint',
    {
      summary: 'whether a Corefile will run, and what in it is a known trap',
      load: async () => (await import('./lint.ts')).lint,
    },
  ],
  [
    'reload',
    {
      summary: 'have the daemon read its Corefile again, and say how it went',
      load: async () => (await import('./reload.ts')).reload,
    },
  ],
  [
    'render',
    {
      summary: 'fill in the manifest, with what the cluster says of its DNS',
      load: async () => (await import('./render.ts')).render,
    },
  ],
  [
    'status',
    {
      summary: 'what the daemon of this node says of itself',
      load: async () => (await import('./status.ts')).status,
    },
  ],
  [
    'top',
    {
      summary: 'what is going on in it, live: rates, latencies, names, clients',
      load: async () => (await import('./top.ts')).top,
    },
  ],
]);

const EXIT_USAGE = 2;
const COLUMNS_DEFAULT = 80;

function help(): string {
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`);
  return `Usage: zerohop COMMAND [OPTIONS]

Looks after Zerohop, the DNS cache of a Kubernetes node.

Commands:
${lines.join('\n')}

  zerohop COMMAND --help   what a command does, its options and exit codes
  zerohop --version        the version

The daemon itself is started by node-cache.
`;
}

async function run([name, ...args]: readonly string[], output: Output): Promise<number> {
  switch (name) {
    case undefined:
      throw new UsageError('expected a command');
    case '--help':
    case '-h':
    case 'help':
      output.write(help());
      return 0;
    case '--version':
      output.write(`zerohop ${VERSION}\n`);
      return 0;
  }
  const entry = COMMANDS.get(name);
  if (entry === undefined) {
    const kind = name.startsWith('-') ? 'option' : 'command';
    throw new UsageError(`unknown ${kind} '${name}': expected ${[...COMMANDS.keys()].join(', ')}`);
  }
  const command = await entry.load();
  const [beforeOperands] = splitOperands(args);
  if (beforeOperands.includes('--help') || beforeOperands.includes('-h')) {
    output.write(command.help);
    return 0;
  }
  try {
    return await command.run(args, output);
  } catch (error) {
    if (error instanceof UsageError) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** What stands before and behind `--`. */
function splitOperands(args: readonly string[]): [readonly string[], readonly string[]] {
  const at = args.indexOf('--');
  return at === -1 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
}

/** Colours where a terminal shows them and nobody objects (no-color.org). */
function terminalOutput(): Output {
  const { stdout, env } = process;
  // The reader has gone (`| head`): nobody is left to tell.
  stdout.on('error', () => process.exit());
  return {
    write: (text) => stdout.write(text),
    hasColour: stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    columns: stdout.columns ?? COLUMNS_DEFAULT,
  };
}

try {
  process.exitCode = await run(process.argv.slice(2), terminalOutput());
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CommandError)) throw error;
  const hint = error instanceof UsageError ? ' (see --help)' : '';
  process.stderr.write(`zerohop: ${printable(error.message)}${hint}\n`);
  process.exitCode = error instanceof CommandError ? error.exitCode : EXIT_USAGE;
}
