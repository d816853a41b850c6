/**
 * What one answer costs an upstream, as its streams show it: an estimate of the 10th percentile of what the answers of a read have taken, each.
 * Neither a pause of ours nor one of the upstream looks like a slow upstream: the more queries left together and came back
 * together, the less each has taken. One that answers in order takes as long for each, however many there are.
 */

/** The estimate goes nine steps down where a sample is below it and one up where above, so that it rests where one in ten is below. */
const STEP = 0.1;
const RISE = 1 + STEP / 9;
const FALL = 1 - STEP;
/** From here to a millisecond takes two hundred reads. */
const MIN_MS = 0.1;

export class AnswerTime {
  /** 0: nothing was answered so far. */
  floorMs = 0;

  /** Once a read. */
  add(answerMs: number): void {
    if (this.floorMs === 0) this.floorMs = answerMs;
    else this.floorMs *= answerMs > this.floorMs ? RISE : FALL;
    if (this.floorMs < MIN_MS) this.floorMs = MIN_MS;
  }
}
