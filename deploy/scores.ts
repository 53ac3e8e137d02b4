/** How well a classifier did. */
export interface Scores {
  /** Share of the images whose most likely class is the labelled one, in [0, 1]. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly count: number;
  /** NaN for a class without images. */
  readonly perClass: readonly { readonly name: string; readonly count: number; readonly accuracy: number }[];
  /** `confusion[actual][predicted]`: number of images. */
  readonly confusion: readonly (readonly number[])[];
}

/** Adds up the scores of a classifier image by image. */
export class Scoreboard {
  private readonly confusion: number[][];
  private loss = 0;

  /** @param probabilities whether outputs are probabilities and not logits. */
  constructor(
    private readonly classes: readonly string[],
    private readonly probabilities: boolean,
  ) {
    this.confusion = classes.map(() => classes.map(() => 0));
  }

  /** One image: the model's outputs and the label as a distribution, both in the order of the classes. */
  add(outputs: ArrayLike<number>, label: ArrayLike<number>): void {
    this.confusion[largest(label)][largest(outputs)]++;
    const logarithms = this.probabilities
      ? Array.from(outputs, (p) => Math.log(Math.max(p, 1e-12)))
      : logSoftmax(outputs);
    for (let i = 0; i < logarithms.length; i++) if (label[i] > 0) this.loss -= label[i] * logarithms[i];
  }

  scores(): Scores {
    const { classes, confusion } = this;
    const counts = confusion.map((row) => row.reduce((a, b) => a + b, 0));
    const count = counts.reduce((a, b) => a + b, 0);
    const right = confusion.reduce((total, row, i) => total + row[i], 0);
    return {
      accuracy: right / count,
      loss: this.loss / count,
      count,
      perClass: classes.map((name, i) => ({ name, count: counts[i], accuracy: confusion[i][i] / counts[i] })),
      confusion: confusion.map((row) => [...row]),
    };
  }
}

/** Index of the largest value, the first of equals. */
function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const top = Math.max(...values);
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
  return values.map((value) => value - top - total);
}
