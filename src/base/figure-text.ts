/** Figures as people read them: short, and no more digits than they are worth. */

const SECOND_MS = 1000;

/** Something a second: `0`, `0.4`, `12`, `12,345`. */
export function rateText(perS: number): string {
  if (perS === 0) return '0';
  return perS < 10 ? perS.toFixed(1) : countText(perS);
}

/** `12,345`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A share of 1: `<0.1 %`, `0.4 %`, `12 %`, `99.95 %`; what is nearly all is not said to be all. */
export function percentText(share: number): string {
  const percent = 100 * share;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent < 0.05) return '<0.1 %';
  if (percent > 99) return `${(Math.floor(100 * percent) / 100).toFixed(2)} %`;
  return `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}

/** `0.25 ms`, `64 ms`, `1.2 s`. */
export function millisecondsText(ms: number): string {
  if (ms >= SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  return `${ms < 10 ? Number(ms.toFixed(2)) : Math.round(ms)} ms`;
}

/** `3.1 MiB`. */
export function mebibytesText(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(1)} MiB`;
}

/** `48s`, `5m`, `3h 12m`, `17d 4h`. */
export function ageText(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m` : `${whole}s`;
}
