/**
 * The load generator as a program: flags in, one JSON object out. Exit 2 for a bad flag, 1 for a failed run.
 */
import { runLoad } from './generator.ts';
import { type LoadOptions, parseLoadOptions, USAGE } from './options.ts';

const options = readOptions();
if (options) console.log(JSON.stringify(await runLoad(options), null, 2));

function readOptions(): LoadOptions | undefined {
  try {
    return parseLoadOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}
