const DECAY = 0.9;

/** The exponential mean of about the last ten values, corrected for its start as Adam's moments are. */
export class RunningMean {
  readonly #decay: number;
  #sum = 0;
  #weight = 0;

  /** @param decay the share of the mean that each new value leaves: 0.9 averages about ten values, 0.99 a hundred. */
  constructor(decay = DECAY) {
    this.#decay = decay;
  }

  /** Takes a value and gives the mean so far. */
  add(value: number): number {
    this.#sum = this.#decay * this.#sum + (1 - this.#decay) * value;
    this.#weight = this.#decay * this.#weight + (1 - this.#decay);
    return this.#sum / this.#weight;
  }
}
