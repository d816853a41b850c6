/** Which backend this node gets. */
import type { Interception, InterceptionOptions } from './interception.ts';
import { noInterception } from './no-interception.ts';

/** Decides by what the node uses; looks at the node, changes nothing. */
export async function chooseInterception(options: InterceptionOptions): Promise<Interception> {
  return noInterception(options, `backend ${options.backend}`);
}
