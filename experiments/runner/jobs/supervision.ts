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

/** Looks in one deadline; it expires at the next one. */
const looks = 10;

/**
 * Tells when nothing was heard for a while. It counts only time in which this process itself ran: after a laptop slept
 * or Ctrl-Z stopped everything, nobody was silent.
 */
export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private silent = 0;
  private isSuspended = false;

  /** @param seconds of silence after which `expired` is called, once. */
  constructor(seconds: number, expired: () => void) {
    this.timer = setInterval(
      () => {
        if (this.isSuspended || ++this.silent <= looks) return;
        this.end();
        expired();
      },
      (1000 * seconds) / looks,
    );
  }

  /** A sign of progress; silence counts from now on, also when it did not before. */
  heard(): void {
    this.silent = 0;
    this.isSuspended = false;
  }

  /** Silence does not count until something is heard. */
  suspend(): void {
    this.isSuspended = true;
  }

  end(): void {
    clearInterval(this.timer);
  }
}

/** How often a process looks at its memory. */
const everyMs = 1000;

/**
 * Tells, once, when this process holds more than so many bytes of resident memory. It looks between two pieces of work: what
 * is taken and given back within one is not seen.
 */
export function watchMemory(bytes: number, exceeded: (resident: number) => void): { end(): void } {
  const timer = setInterval(() => {
    const resident = process.memoryUsage.rss();
    if (resident <= bytes) return;
    clearInterval(timer);
    exceeded(resident);
  }, everyMs);
  timer.unref();
  return { end: () => clearInterval(timer) };
}
