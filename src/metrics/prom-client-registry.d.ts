/**
 * The shape of prom-client's registry that this room uses. The package's index, which has types, also loads http, https and
 * cluster: 7 MB of memory that a scrape does not need. Its `lib/registry.js` costs nothing, but has no types of its own.
 */
declare module 'prom-client/lib/registry.js' {
  /** One line of the exposition. */
  interface Sample {
    /** The line's name where it differs from the family's (`_bucket`, `_sum`, `_count`). */
    readonly metricName?: string;
    /** Labels of this line alone. */
    readonly labels: Readonly<Record<string, string | number>>;
    /** The labels of the cell; their text is kept for as long as the object lives. */
    readonly sharedLabels: Readonly<Record<string, string>>;
    readonly value: number;
  }

  /** What `get` of a registered metric gives. */
  interface MetricSamples {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly Sample[];
    /** How prom-client's cluster mode merges processes; there is one process here, and `sum` is its default. */
    readonly aggregator: 'sum';
  }

  interface Metric {
    readonly name: string;
    get(): MetricSamples;
  }

  class Registry {
    readonly contentType: string;
    registerMetric(metric: Metric): void;
    /** HELP, TYPE and sample lines, without a newline at the end. */
    getMetricsAsString(metric: Metric): Promise<string>;
    /** The text of all registered metrics, made at one go. */
    metrics(): Promise<string>;
  }

  namespace Registry {
    export type { Metric, MetricSamples, Sample };
  }
  export = Registry;
}
