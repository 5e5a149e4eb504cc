const DECAY = 0.9;

/** The exponential mean of about the last ten values, corrected for its start as Adam's moments are. */
export class RunningMean {
  #sum = 0;
  #weight = 0;

  /** Takes a value and gives the mean so far. */
  add(value: number): number {
    this.#sum = DECAY * this.#sum + (1 - DECAY) * value;
    this.#weight = DECAY * this.#weight + (1 - DECAY);
    return this.#sum / this.#weight;
  }
}
