/**
 * The ordinary node: what a query costs at low rates, where each one wakes the server, and what nothing costs.
 */
import { lengthFlags, type Scale, scaled, type Workload } from './workload.ts';

const NAMES = 200;
const RATES_PER_SECOND = [0, 100, 1000, 10_000] as const;
/** The rarest timer of the daemon is one of ten seconds. */
const IDLE_SECONDS = 10;
/** 500 queries at the lowest rate; with 80, figures of the same server were 46 to 137 us apart. */
const SECONDS_MIN = 5;

export function rateWorkloads(scale: Scale): Workload[] {
  return RATES_PER_SECOND.map((perSecond) => {
    const seconds =
      perSecond === 0
        ? Math.ceil(IDLE_SECONDS * scale.share)
        : Math.max(scale.seconds, SECONDS_MIN * scale.share);
    const flags = [...lengthFlags(scale, seconds), `--names=${NAMES}`, '--prime'];
    const rate = Math.max(50, scaled(scale, perSecond));
    return {
      name: `rate-${perSecond}`,
      title: `${NAMES} names, ${perSecond.toLocaleString('en-US')} a second`,
      kind: 'rates',
      servers: 'few',
      seconds,
      loads: () => (perSecond === 0 ? [] : [{ flags: [...flags, `--rate=${rate}`] }]),
    };
  });
}
