/** A middle value and the range of the middle half. */
interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** A method's hypervolume after each evaluation. */
export interface ComparedMethod {
  readonly method: string;
  readonly curve: readonly Quartiles[];
}
