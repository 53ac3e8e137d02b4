/** A request over HTTP that is not answered, and why. */
export class Refusal extends Error {
  /**
   * @param status of HTTP
   * @param hint what the client can do about it, as a full sentence
   */
  constructor(
    readonly status: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}
