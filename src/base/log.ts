/**
 * Log lines, through pino. Lines look as CoreDNS's do (`[INFO] plugin/reload: ...`), since operators' filters and alerts
 * know that shape; `format: 'json'` gives pino's own.
 *
 * Whatever a message holds, it cannot pass for another line: control characters leave as `\DDD` (RFC 1035 §5.1), what follows
 * a line break is indented, and a line has a bounded length. So has the number of lines a second, for each plugin.
 */
import pino from 'pino';
import { type Clock, systemClock } from './clock.ts';
import { LINES_PER_SECOND, LineLimit } from './line-limit.ts';
import { stdoutWriter } from './log-output.ts';
import { printable } from './printable.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Lines that were not written. */
export interface LogLosses {
  /** Beyond so many of a plugin in a second. */
  readonly suppressed: number;
  /** Not taken by stdout. */
  readonly dropped: number;
}

/** A function makes its text only where the line is written: in a flood, for one in many. */
export type Message = string | (() => string);

/** What a line says, for machines: with `format: 'json'` they stand beside the message, else nowhere. */
export type Fields = Readonly<Record<string, string | number>>;

export interface Log {
  debug(message: Message): void;
  info(message: Message): void;
  warn(message: Message, fields?: Fields): void;
  error(message: Message): void;
  /** A log whose lines start with `plugin/NAME: `, as a CoreDNS plugin's do. */
  plugin(name: string): Log;
  /** A log whose lines start with `PREFIX: `, at most so many a second. */
  limited(prefix: string, linesPerSecond: number): Log;
  /** The same, for lines that the operator has ordered one by one: as many as come. */
  unlimited(): Log;
  readonly losses: LogLosses;
  /** The process-wide level (`debug` in a Corefile raises it). */
  setLevel(level: LogLevel): void;
}

const NO_FIELDS: Fields = {};

const TAGS = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const;

/** containerd cuts longer lines in two; the longest name takes 1,016 characters. */
const MESSAGE_SIZE_MAX = 16_000;

export interface LogOptions {
  readonly format?: 'text' | 'json';
  readonly clock?: Clock;
}

/** `write` gets whole lines with their newline, and returns false where one is lost. */
export function createLog(
  write: (line: string) => unknown = stdoutWriter(),
  { format = 'text', clock = systemClock }: LogOptions = {},
): Log {
  return new Sink(write, format, clock).log('', LINES_PER_SECOND);
}

/** What all logs of one output share. */
class Sink {
  readonly losses = { suppressed: 0, dropped: 0 };
  readonly #pino: pino.Logger;
  readonly #isJson: boolean;
  readonly #write: (line: string) => unknown;
  readonly #clock: Clock;
  /** By the prefix of their lines. */
  readonly #limits = new Map<string, LineLimit>();
  /** Since the last line that was written. */
  #droppedInRow = 0;

  constructor(write: (line: string) => unknown, format: 'text' | 'json', clock: Clock) {
    this.#write = write;
    this.#clock = clock;
    this.#isJson = format === 'json';
    const writeJson = (json: string) => this.#writeLine(json);
    this.#pino = pino({ base: null, level: 'info' }, { write: writeJson });
  }

  /** `linesPerSecond`: 0: as many as come. */
  log(prefix: string, linesPerSecond: number): Log {
    const limit = linesPerSecond > 0 ? this.#limitOf(prefix, linesPerSecond) : undefined;
    const writer = (level: LogLevel) => (message: Message, fields?: Fields) => {
      if (!this.#pino.isLevelEnabled(level)) return;
      if (limit?.admits() === false) this.losses.suppressed += 1;
      else {
        const text = typeof message === 'string' ? message : message();
        this.#emit(level, prefix + shortened(text), fields);
      }
    };
    return {
      debug: writer('debug'),
      info: writer('info'),
      warn: writer('warn'),
      error: writer('error'),
      plugin: (name) => this.log(`plugin/${name}: `, linesPerSecond),
      limited: (name, count) => this.log(`${name}: `, count),
      losses: this.losses,
      unlimited: () => this.log(prefix, 0),
      setLevel: (level) => {
        this.#pino.level = level;
      },
    };
  }

  #limitOf(prefix: string, linesPerSecond: number): LineLimit {
    let limit = this.#limits.get(prefix);
    if (limit === undefined) {
      const summarise = (count: number) =>
        this.#emit('warn', `${prefix}${count} more lines suppressed`);
      limit = new LineLimit(this.#clock, summarise, linesPerSecond);
      this.#limits.set(prefix, limit);
    }
    return limit;
  }

  /** Text does not go through JSON: a line takes 0.3 us instead of 1.5. */
  #emit(level: LogLevel, text: string, fields: Fields = NO_FIELDS): void {
    if (this.#isJson) this.#pino[level](fields, text);
    else if (this.#pino.isLevelEnabled(level)) {
      this.#writeLine(`[${TAGS[level]}] ${printable(text)}\n`);
    }
  }

  #writeLine(line: string): void {
    if (this.#write(line) === false) {
      this.losses.dropped += 1;
      this.#droppedInRow += 1;
      return;
    }
    const count = this.#droppedInRow;
    this.#droppedInRow = 0;
    if (count > 0)
      this.#emit('warn', `${count} lines before the last one were lost: stdout took no more`);
  }
}

function shortened(message: string): string {
  if (message.length <= MESSAGE_SIZE_MAX) return message;
  return `${message.slice(0, MESSAGE_SIZE_MAX)}... (${message.length} characters)`;
}
