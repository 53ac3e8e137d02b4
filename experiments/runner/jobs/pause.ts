/** Lets a job stand still between two steps while somebody else needs the machine. */
export class Pause {
  private waiting: { promise: Promise<void>; go: () => void } | undefined;

  /** @param onStandstill told each time a job has come to a stand. */
  constructor(private readonly onStandstill: () => void) {}

  request(): void {
    if (this.waiting !== undefined) return;
    let go: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => (go = resolve));
    this.waiting = { promise, go };
  }

  release(): void {
    this.waiting?.go();
    this.waiting = undefined;
  }

  /** Awaited by the job between two steps; lets the process read its messages, then waits while a pause is requested. */
  async point(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.waiting === undefined) return;
    this.onStandstill();
    await this.waiting.promise;
  }
}
