/**
 * A program with the daemon's command line that only answers over UDP: what the benchmark starts in its own test. `--wrong`: with another
 * address; `--late`: a while after it has read the query.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { type Fault, serve } from './faulty-server.ts';

const conf = process.argv[process.argv.indexOf('-conf') + 1]!;
const [, port] = /^\.:(\d+) /.exec(readFileSync(conf, 'utf8'))!;
const fault = argumentFault();
serve(createSocket('udp4').bind(Number(port), '127.0.0.1'), fault);

function argumentFault(): Fault {
  if (process.argv.includes('--late')) return 'late';
  return process.argv.includes('--wrong') ? 'wrong-address' : 'none';
}
