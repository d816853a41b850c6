/**
 * `npm run bench:publish`: README's tables and the chart from the committed results, and what the goals say of them.
 */
import { writeChart } from './chart.ts';
import { formatGoals, goalsOf } from './goals.ts';
import { writeReadme } from './readme.ts';
import { type Results, readResults } from './results.ts';

export function publish(results: Results): void {
  writeReadme(results);
  writeChart(results);
  console.log(formatGoals(goalsOf(results)));
}

if (import.meta.main) publish(readResults());
