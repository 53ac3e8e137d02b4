/** Where something stands in an expression: from `at` up to `end`, in letters of the text. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

/** What is wrong with an expression, and where; the message is a clause, the hint a sentence. */
export class FilterProblem extends Error {
  override readonly name = 'FilterProblem';

  constructor(
    message: string,
    readonly span: Span,
    readonly hint?: string,
  ) {
    super(message);
  }
}
