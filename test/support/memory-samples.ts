/** A process's memory over time: whether it grows, and how to show it. */

export interface MemorySample {
  readonly atS: number;
  readonly bytes: number;
}

/** In megabytes; a few dozen of them, however long it took. */
export function rowOf(samples: readonly MemorySample[]): string {
  const step = Math.ceil(samples.length / 40);
  const shown = samples.filter((_, index) => index % step === 0 || index === samples.length - 1);
  return shown.map(({ bytes }) => Math.round(bytes / 1e6)).join(' ');
}

/** Of the line that fits best (least squares), in bytes a second. */
export function slopeOf(samples: readonly MemorySample[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanS = mean(samples.map(({ atS }) => atS));
  const meanBytes = mean(samples.map(({ bytes }) => bytes));
  let above = 0;
  let below = 0;
  for (const { atS, bytes } of samples) {
    above += (atS - meanS) * (bytes - meanBytes);
    below += (atS - meanS) ** 2;
  }
  return above / below;
}
