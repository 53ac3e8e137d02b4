/** Somebody waits until it is opened. */
export class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

/** Lets a job stand still between two steps while somebody else needs the machine. */
export class Pause {
  private gate: Gate | undefined;

  /** @param onStandstill told each time a job has come to a stand. */
  constructor(private readonly onStandstill: () => void) {}

  request(): void {
    this.gate ??= new Gate();
  }

  release(): void {
    this.gate?.open();
    this.gate = undefined;
  }

  /** Awaited by the job between two steps; lets the process read its messages, then waits while a pause is requested. */
  async point(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.gate === undefined) return;
    this.onStandstill();
    await this.gate.opened;
  }
}
