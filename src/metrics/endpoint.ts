/**
 * The HTTP endpoint of the metrics: `/metrics` on one address, beside other pages, over TLS where asked. Any number of endpoints may show the same
 * series (node-cache has two, the one of `-metrics-listen-address` and the one of the `prometheus` directive).
 */
import {
  type EndpointTls,
  HttpEndpoint,
  type ListenAddress,
  type ListenFailure,
  type Page,
  type Pages,
} from '../base/http-endpoint.ts';
import type { Metrics } from './metrics.ts';

/** CoreDNS's (plugin/metrics). */
const PATH = '/metrics';

/** Listens, and shows `pages` too; `onError` gets what goes wrong in a scrape or, later, at the listening socket. */
export function openMetricsEndpoint(
  address: ListenAddress,
  metrics: Metrics,
  pages: Pages,
  onError: (error: Error) => void,
  tls?: EndpointTls,
): Promise<HttpEndpoint | ListenFailure> {
  return HttpEndpoint.open(address, { ...pages, [PATH]: () => scrape(metrics) }, onError, tls);
}

/** Counts itself as promhttp does: it sees itself in flight, and its code in the next scrape. */
async function scrape(metrics: Metrics): Promise<Page> {
  const { scrapes, scrapesInFlight } = metrics.families;
  const inFlight = scrapesInFlight.cell();
  inFlight.value++;
  try {
    const text = await metrics.expose();
    scrapes.cell('200').value++;
    return { contentType: metrics.registry.contentType, text };
  } catch (cause) {
    scrapes.cell('500').value++;
    throw cause;
  } finally {
    inFlight.value--;
  }
}
