/** `zerohop top` against a running daemon: one look, a stream of JSON, and live on a terminal of its own, with its keys. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Top } from '../../src/control/top-report.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { within } from '../support/deadline.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { zerohop } from './zerohop-command.ts';

const LAUNCHER = join(import.meta.dirname, '../../src/cli/zerohop');
/** Of bsdutils, which every Debian has: runs a command in a terminal. */
const HAS_SCRIPT = spawnSync('script', ['--version']).status === 0;
const HAS_TMUX = spawnSync('tmux', ['-V']).status === 0;
const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?25h\u001b[?1049l';

async function start(t: TestContext): Promise<{ daemon: Daemon; socket: string }> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const socket = join(temporaryDirectory(t), 'zerohop', 'control.sock');
  const daemon = await startDaemon(t, {
    args: ['-control-socket', socket],
    corefile: ({ dns }) =>
      `.:${dns} {\n  bind 127.0.0.1\n  cache 30\n  forward . 127.0.0.1:${upstream.port}\n}\n`,
  });
  return { daemon, socket };
}

/** In a terminal of so many columns and rows. */
class Terminal {
  readonly #socket: string;
  readonly #child;
  #output = '';
  #heard = Promise.withResolvers<void>();
  readonly exit: Promise<number>;

  constructor(t: TestContext, socket: string, environment: Record<string, string> = {}) {
    this.#socket = socket;
    const command = `stty cols 80 rows 24; exec ${LAUNCHER} top --control-socket ${socket}`;
    const env = { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '', ...environment };
    this.#child = spawn('script', ['-qec', command, '/dev/null'], { env });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
    this.exit = once(this.#child, 'close').then(([code]) => code as number);
    t.after(() => this.#child.kill('SIGKILL'));
  }

  get output(): string {
    return this.#output;
  }

  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  async shows(pattern: RegExp): Promise<void> {
    const seen = async () => {
      while (!pattern.test(this.#output)) await this.#heard.promise;
    };
    try {
      await within(seen(), `${pattern} on the terminal`);
    } catch (error) {
      const end = JSON.stringify(this.#output.slice(-500));
      throw new Error(`${(error as Error).message}, but ${end} of\n${processesOf(this.#socket)}`);
    }
  }
}

/** What the processes do that were started with this control socket. */
function processesOf(socket: string): string {
  const all = execFileSync('ps', ['-e', '-o', 'pid,ppid,tpgid,stat,wchan:24,args'], {
    encoding: 'utf8',
  });
  return all
    .split('\n')
    .filter((line) => line.includes(socket))
    .join('\n');
}

/** A shell with job control in a terminal whose screen can be read. */
class Tmux {
  readonly #socket: string;

  constructor(t: TestContext) {
    // Before its socket's directory goes.
    t.after(() => this.#run('kill-server'));
    this.#socket = join(temporaryDirectory(t), 'tmux');
    const shell =
      'env -i PATH="$PATH" TERM="$TERM" LC_ALL=C.UTF-8 PS1="$ " bash --norc --noprofile -i';
    this.#run('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', shell);
  }

  get screen(): string {
    return this.#run('capture-pane', '-p');
  }

  press(key: string): void {
    this.#run('send-keys', key);
  }

  type(line: string): void {
    this.#run('send-keys', '-l', line);
    this.press('Enter');
  }

  shows(pattern: RegExp): Promise<void> {
    return until(`${pattern} on the screen`, () => pattern.test(this.screen));
  }

  #run(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8' });
  }
}

suite('zerohop top', { concurrency: true }, () => {
  test('one look, as JSON and as text', async (t) => {
    const { daemon, socket } = await start(t);
    const options = ['top', '--once', '--interval', '2', '--control-socket', socket];
    const json = zerohop([...options, '--json']);
    const text = zerohop(options);
    const asking = setInterval(() => {
      udpAsk(daemon.address, { name: '\u001b[31mw.test' }).catch(() => {});
    }, 50);
    t.after(() => clearInterval(asking));
    const { code, stdout } = await json;
    assert.equal(code, 0);
    assert.equal(stdout.split('\n').length, 2);
    const top = JSON.parse(stdout) as Top;
    assert.equal(top.program, 'zerohop');
    assert.equal(top.asked!.names[0]!.name, '\\027[31mw.test.');
    assert.equal(top.asked!.clients[0]!.address, '127.0.0.1');
    const page = await text;
    assert.equal(page.code, 0);
    assert.match(page.stdout, /^\\027\[31mw\.test\. +A +[\d.]+ +127\.0\.0\.1 +[\d.]+$/m);
    for (const line of page.stdout.split('\n')) assert(line.length <= 80, line);
  });

  test('a line of JSON for each look, until nobody reads any more', async (t) => {
    const { socket } = await start(t);
    const child = spawn(LAUNCHER, ['top', '--json', '--control-socket', socket]);
    t.after(() => child.kill('SIGKILL'));
    let text = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      text += chunk;
      if (text.split('\n').length > 2) break;
    }
    for (const line of text.trimEnd().split('\n')) JSON.parse(line);
    child.stdout.destroy();
    await within(once(child, 'close'), 'its end');
  });

  test('nobody to ask', async () => {
    const { code, stdout, stderr } = await zerohop(['top', '--control-socket', '/nowhere/c.sock']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^zerohop: cannot ask the daemon at \/nowhere\/c\.sock: .*\n$/);
  });

  for (const [name, key] of [
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ] as const) {
    test(`on a terminal ${name} ends it, and leaves all as it was`, {
      skip: !HAS_SCRIPT,
    }, async (t) => {
      const { socket } = await start(t);
      const terminal = new Terminal(t, socket);
      await terminal.shows(/hit ratio/);
      assert(terminal.output.startsWith(ENTER));
      assert(terminal.output.includes('\u001b[1mzerohop'));
      terminal.press(key);
      assert.equal(await within(terminal.exit, 'its end'), 0);
      assert(terminal.output.endsWith(LEAVE));
    });
  }

  test('Ctrl-Z gives the terminal back to the shell, fg takes it again', {
    skip: !HAS_TMUX,
  }, async (t) => {
    const { socket } = await start(t);
    const tmux = new Tmux(t);
    tmux.type(`${LAUNCHER} top --control-socket ${socket}`);
    await tmux.shows(/hit ratio/);
    tmux.press('C-z');
    await tmux.shows(/Stopped/);
    assert.doesNotMatch(tmux.screen, /hit ratio/);
    tmux.type('echo "the $((20 + 3))rd line"');
    await tmux.shows(/^the 23rd line/m);
    tmux.type('fg');
    await tmux.shows(/hit ratio/);
    tmux.press('q');
    await tmux.shows(/^the 23rd line/m);
    tmux.type('echo "the $((20 + 4))th line, $?"');
    await tmux.shows(/^the 24th line, 0/m);
  });

  test('where no shell could go on with it, Ctrl-Z does not stop it', {
    skip: !HAS_SCRIPT,
  }, async (t) => {
    const { socket } = await start(t);
    const terminal = new Terminal(t, socket);
    await terminal.shows(/hit ratio/);
    terminal.press('\u001a');
    await terminal.shows(/1049l[\s\S]*1049h[\s\S]*hit ratio/);
    terminal.press('q');
    assert.equal(await within(terminal.exit, 'its end'), 0);
  });

  test('without colours where NO_COLOR says so', { skip: !HAS_SCRIPT }, async (t) => {
    const { socket } = await start(t);
    const terminal = new Terminal(t, socket, { NO_COLOR: '1' });
    await terminal.shows(/hit ratio/);
    terminal.press('q');
    await within(terminal.exit, 'its end');
    assert(!terminal.output.includes('\u001b[1m') && !terminal.output.includes('\u001b[2m'));
  });

  test('it goes on when the daemon has gone, and says so', { skip: !HAS_SCRIPT }, async (t) => {
    const { daemon, socket } = await start(t);
    const terminal = new Terminal(t, socket, { NO_COLOR: '1' });
    await terminal.shows(/hit ratio/);
    await daemon.stop();
    await terminal.shows(/no answer of the daemon: /);
    terminal.press('q');
    assert.equal(await within(terminal.exit, 'its end'), 0);
  });
});
