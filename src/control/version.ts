/** Which build this is. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

export const VERSION = manifest.version;
/** The commit, where the build says it. */
export const REVISION = process.env['ZEROHOP_REVISION'] ?? 'unknown';
