/**
 * Where log lines go: stdout, without ever waiting for it or failing because of it. A pipe that nobody reads, as when the
 * container runtime's logger hangs, holds a bounded backlog here and then loses lines; so does a full disk, or a pipe whose
 * reader is gone. Whoever writes learns of a loss and counts it.
 */
import { fstatSync, writeSync } from 'node:fs';

/** Some thousand lines: the reader may pause for a second under a query log of 5,000 lines a second. */
const BACKLOG_MAX_OCTETS = 1024 * 1024;
const STDOUT_FD = 1;

/** Writes a line with its newline; false where it is lost. */
export type LineWriter = (line: string) => boolean;

export function stdoutWriter(): LineWriter {
  const { stdout } = process;
  // Unheard, an error would end the process: EPIPE, ENOSPC. The stream is closed then, which the writers see.
  stdout.on('error', () => {});
  const stats = fstatSync(STDOUT_FD);
  return stats.isFIFO() || stats.isSocket() || stdout.isTTY ? writeToStream : writeToFile;
}

/** Node writes to pipes and sockets at once as far as they take it, and keeps the rest, without any bound of its own. */
function writeToStream(line: string): boolean {
  const { stdout } = process;
  if (!stdout.writable || stdout.writableLength > BACKLOG_MAX_OCTETS) return false;
  stdout.write(line);
  return true;
}

/** Past Node's stream, which is of no more use after its first error: a full disk has room again some day. */
function writeToFile(line: string): boolean {
  try {
    writeSync(STDOUT_FD, line);
    return true;
  } catch {
    return false;
  }
}
