/**
 * The demonstration's command line: where it listens. Both ports have defaults, so `npm start` needs no arguments.
 */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** For DNS, UDP and TCP. */
  readonly port: number;
  /** For HTTP. */
  readonly metricsPort: number;
}

/** 53 needs privileges; 5353 is how it is commonly written without. */
const PORT_DEFAULT = '5353';
/** What node-cache's manifest gives `prometheus`. */
const METRICS_PORT_DEFAULT = '9253';

/** The options, or what is wrong with the command line, in one line. */
export function readOptions(args: readonly string[]): DemoOptions | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: PORT_DEFAULT },
        'metrics-port': { type: 'string', default: METRICS_PORT_DEFAULT },
      },
    });
    const port = portNumber('--port', values.port);
    const metricsPort = portNumber('--metrics-port', values['metrics-port']);
    if (port === metricsPort)
      throw new Error('--port, --metrics-port: expected two different ports');
    return { port, metricsPort };
  } catch (error) {
    // parseArgs says on further lines how a value that starts with a dash is written.
    const [problem] = (error as Error).message.split('\n');
    return new Error(problem, { cause: error });
  }
}

function portNumber(option: string, text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 65_535) return number;
  throw new Error(`${option} ${text}: expected a port from 1 to 65535`);
}
