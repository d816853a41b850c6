/** `coredns_nodecache_setup_errors_total`, from before there are series on: the interface comes before the daemon. */
import type { Families } from '../metrics/families.ts';
import type { SETUP_ERROR_TYPES } from '../metrics/metrics.ts';

/** `configmap` is counted where ConfigMaps are read. */
export type NetworkErrorType = Exclude<(typeof SETUP_ERROR_TYPES)[number], 'configmap'>;

export class SetupErrors {
  readonly #counts = new Map<NetworkErrorType, number>();

  readonly count = (errorType: NetworkErrorType): void => {
    this.#counts.set(errorType, (this.#counts.get(errorType) ?? 0) + 1);
  };

  /** Brings the series up to date. */
  collect(families: Families): void {
    for (const [errorType, count] of this.#counts) {
      families.setupErrors.cell(errorType).value = count;
    }
  }
}
