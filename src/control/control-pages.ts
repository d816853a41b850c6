/**
 * What the control socket shows and does:
 *
 *     GET  /status   a `Status` (status.ts)
 *     GET  /top      a `Top` (top-report.ts); with `names=1` who asks for what is in it, and goes on being watched for some seconds
 *     POST /reload   reads the Corefile again and waits for the outcome: a `ReloadResult` (reload.ts), 200 or 422
 */
import type { Page, Pages } from '../base/http-endpoint.ts';
import type { Daemon } from './daemon.ts';
import type { Reloader } from './reload.ts';
import { type StatusNode, type StatusSource, statusOf } from './status.ts';
import { topOf } from './top.ts';

/** RFC 9110 §15.5.21: the request was understood, and the Corefile is what cannot be processed. */
const UNPROCESSABLE = 422;
/** It is made at once. */
const TOP_TIMEOUT_MS = 5000;

export interface ControlPagesOptions {
  readonly daemon: Daemon;
  readonly reloader: Reloader;
  readonly source: StatusSource;
  readonly node: StatusNode;
}

export function controlPages({ daemon, reloader, source, node }: ControlPagesOptions): Pages {
  return {
    '/status': () => json(statusOf(daemon, reloader.running, source, node)),
    '/top': {
      get: (query) => {
        const notReady = node.vitals.readiness.reasons();
        return json(topOf(daemon, notReady, query.get('names') === '1'));
      },
      timeoutMs: TOP_TIMEOUT_MS,
    },
    '/reload': {
      post: async () => {
        const result = await reloader.reload();
        return json(result, result.ok ? 200 : UNPROCESSABLE);
      },
    },
  };
}

function json(value: unknown, status = 200): Page {
  return { status, contentType: 'application/json', text: `${JSON.stringify(value)}\n` };
}
