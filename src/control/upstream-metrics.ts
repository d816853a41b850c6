/** What the upstream room tells, as series; cells are looked up once for each upstream. */
import type { Families } from '../metrics/families.ts';
import type { Proto, UpstreamObserver } from '../upstream/observer.ts';
import { rcodeName } from '../wire/registry.ts';

/** The `proxy_name` label: the directive that asks. */
const PROXY_NAME = 'forward';

/** `onAnswer` is told the rcode of each answer. */
export function observeUpstreams(
  families: Families,
  onAnswer: (rcode: number) => void,
): UpstreamObserver {
  const durations = cached((key: string) => {
    const [to, rcode] = key.split(' ');
    return families.proxyRequestDuration.cell(PROXY_NAME, to!, rcodeName(Number(rcode)));
  });
  const reused = cached((key: string) => {
    const [to, proto] = key.split(' ');
    return families.proxyConnCacheHits.cell(PROXY_NAME, to!, proto!);
  });
  const opened = cached((key: string) => {
    const [to, proto] = key.split(' ');
    return families.proxyConnCacheMisses.cell(PROXY_NAME, to!, proto!);
  });
  const segmentsWritten = cached((to: string) => families.upstreamSegmentsWritten.cell(to));
  const queriesWritten = cached((to: string) => families.upstreamQueriesWritten.cell(to));
  const segmentsRead = cached((to: string) => families.upstreamSegmentsRead.cell(to));
  const responsesRead = cached((to: string) => families.upstreamResponsesRead.cell(to));
  return {
    requestDone: (to, rcode, seconds) => {
      durations(`${to} ${rcode}`).observe(seconds);
      onAnswer(rcode);
    },
    healthCheckFailed: (to) => {
      families.proxyHealthcheckFailures.cell(PROXY_NAME, to).value += 1;
    },
    healthCheckBroken: () => {
      families.forwardHealthcheckBroken.cell().value += 1;
    },
    maxConcurrentRejected: () => {
      families.forwardMaxConcurrentRejects.cell().value += 1;
    },
    overloaded: (to) => {
      families.upstreamOverloads.cell(to).value += 1;
    },
    connectionReused: (to: string, proto: Proto) => {
      reused(`${to} ${proto}`).value += 1;
    },
    connectionOpened: (to: string, proto: Proto) => {
      opened(`${to} ${proto}`).value += 1;
    },
    segmentWritten: (to, queries) => {
      segmentsWritten(to).value += 1;
      queriesWritten(to).value += queries;
    },
    segmentRead: (to, responses) => {
      segmentsRead(to).value += 1;
      responsesRead(to).value += responses;
    },
    reasked: (to, reason) => {
      families.upstreamReasks.cell(to, reason).value += 1;
    },
    replyIgnored: (to) => {
      families.upstreamMismatchedResponses.cell(to).value += 1;
    },
    queryLimitLearnt: (to, limit) => {
      families.upstreamQueryLimit.cell(to).value = limit ?? 0;
    },
  };
}

/** Remembers what `make` gives for a text; upstreams are few. */
function cached<Value>(make: (key: string) => Value): (key: string) => Value {
  const values = new Map<string, Value>();
  return (key) => {
    let value = values.get(key);
    if (value === undefined) {
      value = make(key);
      values.set(key, value);
    }
    return value;
  };
}
