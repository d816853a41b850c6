/**
 * Log lines, through pino. Lines look as CoreDNS's do (`[INFO] plugin/reload: ...`), since operators' filters and alerts
 * know that shape; `format: 'json'` gives pino's own.
 */
import pino from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** A log whose lines start with `plugin/NAME: `, as a CoreDNS plugin's do. */
  plugin(name: string): Log;
  /** The process-wide level (`debug` in a Corefile raises it). */
  setLevel(level: LogLevel): void;
}

const TAGS: Record<number, string> = { 20: 'DEBUG', 30: 'INFO', 40: 'WARNING', 50: 'ERROR' };

/** `write` gets whole lines with their newline. */
export function createLog(
  write: (line: string) => void = (line) => void process.stdout.write(line),
  format: 'text' | 'json' = 'text',
): Log {
  const stream = {
    write(json: string) {
      if (format === 'json') return write(json);
      const { level, msg } = JSON.parse(json) as { level: number; msg: string };
      write(`[${TAGS[level] ?? 'INFO'}] ${msg}\n`);
    },
  };
  const root = pino({ base: null, level: 'info' }, stream);
  return wrap(root, '');
}

function wrap(root: pino.Logger, prefix: string): Log {
  return {
    debug: (message) => root.debug(prefix + message),
    info: (message) => root.info(prefix + message),
    warn: (message) => root.warn(prefix + message),
    error: (message) => root.error(prefix + message),
    plugin: (name) => wrap(root, `plugin/${name}: `),
    setLevel: (level) => {
      root.level = level;
    },
  };
}
