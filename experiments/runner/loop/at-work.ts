/** Steps that are being done, by their numbers. Whoever waits for one sees its error; when nobody does, the end does. */
export class AtWork {
  private readonly running = new Map<number, Promise<void>>();
  private failure: { readonly error: unknown } | undefined;

  get size(): number {
    return this.running.size;
  }

  begin(step: number, task: Promise<void>): void {
    const work = task.finally(() => this.running.delete(step));
    work.catch((error: unknown) => (this.failure ??= { error }));
    this.running.set(step, work);
  }

  /** Waits for those before `end`. @throws what any step has thrown. */
  async untilDone(end: number): Promise<void> {
    await Promise.all([...this.running].filter(([step]) => step < end).map(([, work]) => work));
    this.check();
  }

  /** Waits for one of them, if there are any. @throws what any step has thrown. */
  async untilOneIsDone(): Promise<void> {
    if (this.running.size > 0) await Promise.race(this.running.values());
    this.check();
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
