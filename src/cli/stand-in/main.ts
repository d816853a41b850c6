/**
 * The stand-in for kube-dns as a program: `node src/cli/stand-in/main.ts [--host IP] [--port N] [--answer-delay-ms N]`.
 * It prints one line, `IP:PORT`, when it serves, and ends on SIGINT or SIGTERM.
 */
import { isIP, isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import { StandIn } from './stand-in.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'answer-delay-ms': { type: 'string', default: '0' },
  },
});

function wholeNumber(option: string, text: string, max: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= max) return number;
  console.error(`stand-in: --${option} ${text}: expected a whole number from 0 to ${max}`);
  return process.exit(2);
}

if (!isIP(values.host)) {
  console.error(`stand-in: --host ${values.host}: expected an IP address`);
  process.exit(2);
}

const standIn = await StandIn.start({
  host: values.host,
  port: wholeNumber('port', values.port, 65_535),
  answerDelayMs: wholeNumber('answer-delay-ms', values['answer-delay-ms'], 60_000),
});
console.log(`${isIPv6(standIn.host) ? `[${standIn.host}]` : standIn.host}:${standIn.port}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void standIn.close());
}
