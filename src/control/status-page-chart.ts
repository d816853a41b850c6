/** Pictures of the status page, as SVG inside of it: attributes only, since the page's policy forbids inline styles. */

const WIDTH = 300;
const HEIGHT = 40;

/** A line over time with the area below it; the newest at the right edge, gaps where there is no value. */
export function chart(values: readonly (number | null)[], max: number, points: number): string {
  const step = WIDTH / (points - 1);
  const first = points - values.length;
  const place = (value: number, index: number) => {
    const y = max <= 0 ? HEIGHT : HEIGHT - (Math.min(value, max) / max) * (HEIGHT - 2);
    return `${round((first + index) * step)},${round(y)}`;
  };
  const lines: string[][] = [[]];
  for (const [index, value] of values.entries()) {
    if (value === null) lines.push([]);
    else lines.at(-1)!.push(place(value, index));
  }
  const drawn = lines.filter((line) => line.length > 1);
  const line = drawn.map((places) => `M${places.join('L')}`).join('');
  const area = drawn.map((places) => {
    const [start] = places[0]!.split(',');
    const [end] = places.at(-1)!.split(',');
    return `M${start},${HEIGHT}L${places.join('L')}L${end},${HEIGHT}Z`;
  });
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
<path class="area" d="${area.join('')}"/><path class="line" d="${line}" vector-effect="non-scaling-stroke"/></svg>`;
}

/** A share from 0 to 1. */
export function bar(share: number, isBad = false): string {
  return `<svg class="bar${isBad ? ' bad' : ''}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
<rect class="track" width="100" height="6" rx="1"/><rect class="part" width="${round(100 * share)}" height="6" rx="1"/></svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
