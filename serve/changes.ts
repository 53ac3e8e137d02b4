/** Things that are done one after the other, in the order in which they were asked for. */
export class Changes {
  private last: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Map<string, Promise<void>>();

  /** Does something once all before it are done, whether they failed or not. */
  run(change: () => Promise<void>): Promise<void> {
    const done = this.last.then(change, change);
    this.last = done.catch(() => undefined);
    return done;
  }

  /** As `run`; while one of this name waits, who asks for another gets that one. */
  runOnce(name: string, change: () => Promise<void>): Promise<void> {
    const known = this.waiting.get(name);
    if (known !== undefined) return known;
    const done = this.run(() => {
      this.waiting.delete(name);
      return change();
    });
    this.waiting.set(name, done);
    return done;
  }

  /** When all that was asked for until now is done. */
  async settled(): Promise<void> {
    await this.last;
  }
}
