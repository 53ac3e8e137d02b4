import type { Encoded } from './encoding.js';

/** Candidates to which others are added. */
export class GrowingSet implements Encoded {
  count = 0;
  numbers = new Float64Array(0);
  choices = new Int16Array(0);

  constructor(
    readonly width: number,
    readonly decisions: number,
  ) {}

  /** Takes in row `index` of a set. */
  push(of: Encoded, index: number): void {
    const { width, decisions, count } = this;
    if ((count + 1) * width > this.numbers.length || (count + 1) * decisions > this.choices.length) {
      const capacity = 2 * (count + 8);
      const [numbers, choices] = [new Float64Array(capacity * width), new Int16Array(capacity * decisions)];
      numbers.set(this.numbers);
      choices.set(this.choices);
      [this.numbers, this.choices] = [numbers, choices];
    }
    this.numbers.set(of.numbers.subarray(index * width, (index + 1) * width), count * width);
    this.choices.set(of.choices.subarray(index * decisions, (index + 1) * decisions), count * decisions);
    this.count++;
  }
}
