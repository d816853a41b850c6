/** What is counted in objects of the resolver rather than in shared words, brought into the series when they are read. */
import { HttpEndpoint } from '../base/http-endpoint.ts';
import type { LogLosses } from '../base/log.ts';
import type { CacheStore } from '../cache/store.ts';
import { isHandler } from '../directives/order.ts';
import type { Families } from '../metrics/families.ts';
import type { ClientService } from '../server/client-service.ts';
import type { Resolver } from '../server/resolver.ts';
import type { Generation, RunningBlock } from './generation.ts';

export interface Sources {
  readonly store: CacheStore;
  readonly resolver: Resolver;
  readonly clients: ClientService;
  readonly logLosses: LogLosses;
}

/** Sets the gauges and the counters whose totals live elsewhere. */
export function collect(families: Families, sources: Sources, generation: Generation): void {
  const { store, resolver, clients, logLosses } = sources;
  const { connections } = clients;
  families.cacheUsed.cell().value = store.usedBytes;
  families.cacheBudget.cell().value = store.capacityBytes;
  families.cacheRefused.cell().value = store.refusedCount;
  families.coalescedQueries.cell().value = resolver.inFlight.coalescedCount;
  families.inFlightQueries.cell().value = resolver.inFlight.questionCount;
  families.inFlightRefused.cell('full').value = resolver.inFlight.fullCount;
  families.inFlightRefused.cell('unfair').value = resolver.inFlight.unfairCount;
  families.tcpConnections.cell().value = connections.open;
  families.tcpRefused.cell('full').value = connections.refusedFull;
  families.tcpRefused.cell('unfair').value = connections.refusedUnfair;
  families.tcpEnded.cell('finished').value = connections.finished;
  families.tcpEnded.cell('cut_off').value = connections.cutOff;
  families.tcpRepliesLost.cell().value = connections.repliesLost;
  families.innerQuestionsRefused.cell().value = resolver.inner.refusedCount;
  families.httpRefused.cell().value = HttpEndpoint.refusedCount;
  families.sendFailures.cell('resolver').value = clients.sendFailures;
  families.stormQueries.cell().value = clients.stormQueries;
  families.logLinesLost.cell('suppressed').value = logLosses.suppressed;
  families.logLinesLost.cell('dropped').value = logLosses.dropped;
  for (const block of generation.blocks) collectCache(families, store, block);
}

/** CoreDNS counts per server and block; the entries of a block are the same at each of its servers. */
function collectCache(
  families: Families,
  store: CacheStore,
  { config, block, listeners }: RunningBlock,
): void {
  if (config.cache === undefined) return;
  const zones = config.cache.zones.join(',');
  const usage = store.usage(block.parts.number);
  for (const { label } of listeners) {
    families.cacheEntries.cell(label, 'success', zones, '').value = usage.successCount;
    families.cacheEntries.cell(label, 'denial', zones, '').value = usage.denialCount;
  }
  // Evictions have no server of their own: they stand at the first, so that a sum is right.
  const { label } = listeners[0]!;
  families.cacheEvictions.cell(label, 'success', zones, '').value = usage.successEvictions;
  families.cacheEvictions.cell(label, 'denial', zones, '').value = usage.denialEvictions;
}

/** `coredns_plugin_enabled`: the directives that handle queries, in blocks with `prometheus`. */
export function collectPlugins(families: Families, generation: Generation): void {
  families.pluginEnabled.retain(() => false);
  for (const { config, listeners } of generation.blocks) {
    if (config.prometheus === undefined) continue;
    for (const { label, port } of listeners) {
      for (const key of config.zones) {
        if (key.port !== port) continue;
        for (const name of config.directives.filter(isHandler)) {
          families.pluginEnabled.cell(label, key.zone, '', name).value = 1;
        }
      }
    }
  }
}
