/**
 * The terminal while a live view has it: an alternate screen that leaves no trace, keys one by one, and everything as it was
 * before when it ends, however that is.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import { ASCII, type Glyphs, type Line, UNICODE, written } from './screen-line.ts';

/** Alternate screen, cursor hidden (xterm's DEC private modes 1049 and 25). */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** Shown at one go by terminals that know it (mode 2026). */
const BEGIN_FRAME = '\u001b[?2026h\u001b[H';
const END_FRAME = '\u001b[J\u001b[?2026l';
/** Before the line's text: behind a full line it would take the last character. */
const ERASE_LINE = '\u001b[2K';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_Z = '\u001a';
/** To `kill`, all processes of this one's group: what a shell holds as one job. */
const OWN_GROUP = 0;

/** Of a terminal that does not tell. */
const SIZE_DEFAULT = { columns: 80, rows: 24 };

export class LiveTerminal {
  readonly #stdin: ReadStream;
  readonly #stdout: WriteStream;
  readonly #hasColour: boolean;
  readonly #ended = Promise.withResolvers<void>();
  readonly #end = () => this.#ended.resolve();
  #lines: () => readonly Line[] = () => [];

  constructor(stdin: ReadStream, stdout: WriteStream, hasColour: boolean) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#hasColour = hasColour;
  }

  /** Resolves when the user wants to end: `q`, Ctrl-C, a signal, or the terminal has gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#stdout;
    return { columns: columns || SIZE_DEFAULT.columns, rows: rows || SIZE_DEFAULT.rows };
  }

  open(): void {
    process.on('exit', this.#restore);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#end);
    process.on('SIGCONT', this.#resume);
    this.#enter();
    this.#stdout.on('resize', this.#draw);
    if (!this.#stdin.isTTY) return;
    this.#stdin.on('data', (keys) => this.#take(String(keys)));
    this.#stdin.on('end', this.#end);
  }

  /** `lines` is called now, and whenever the size changes. */
  show(lines: () => readonly Line[]): void {
    this.#lines = lines;
    this.#draw();
  }

  close(): void {
    process.off('exit', this.#restore);
    process.off('SIGCONT', this.#resume);
    this.#restore();
    this.#stdin.pause();
  }

  #take(keys: string): void {
    if (/[qQ]/.test(keys) || keys.includes(CTRL_C) || keys.includes(CTRL_D)) this.#end();
    else if (keys.includes(CTRL_Z)) this.#suspend();
  }

  /** Until a shell has us go on. Where none would, as under `kubectl exec`, the kernel stops nobody, and it goes on at once. */
  #suspend(): void {
    this.#leave();
    process.kill(OWN_GROUP, 'SIGTSTP');
    this.#enter();
    this.#draw();
  }

  /** However we were stopped: the shell has had the terminal. */
  readonly #resume = (): void => {
    this.#leave();
    this.#enter();
    this.#draw();
  };

  #enter(): void {
    this.#stdout.write(ENTER);
    if (this.#stdin.isTTY) this.#stdin.setRawMode(true);
  }

  #leave(): void {
    if (this.#stdin.isTTY) this.#stdin.setRawMode(false);
    this.#stdout.write(LEAVE);
  }

  readonly #draw = (): void => {
    const texts = this.#lines().map((line) => ERASE_LINE + written(line, this.#hasColour));
    this.#stdout.write(BEGIN_FRAME + texts.join('\r\n') + END_FRAME);
  };

  readonly #restore = (): void => {
    this.#stdout.off('resize', this.#draw);
    this.#leave();
  };
}

/** Whether the terminal takes more than ASCII: unless its locale says otherwise, since containers have none. */
export function glyphsFor(env: NodeJS.ProcessEnv): Glyphs {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'UTF-8';
  return /utf-?8/i.test(locale) ? UNICODE : ASCII;
}
