/** A promise that is resolved from outside. */
export class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

/** Lets a job stand still between two steps while another job needs the machine. */
export class Pause {
  private gate: Gate | undefined;

  /** @param onStandstill called each time a job has come to a stand. */
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

/** Checks in one deadline; it expires at the next one. */
const checks = 10;

/**
 * Reports silence. Only time in which this process itself ran counts: a laptop that slept, or Ctrl-Z, makes no job silent.
 */
export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private silent = 0;
  private isSuspended = false;

  /** @param seconds of silence after which `expired` is called, once. */
  constructor(seconds: number, expired: () => void) {
    this.timer = setInterval(
      () => {
        if (this.isSuspended || ++this.silent <= checks) return;
        this.end();
        expired();
      },
      (1000 * seconds) / checks,
    );
  }

  /** A sign of progress; silence counts from now on, also after `suspend`. */
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

/**
 * Calls `exceeded`, once, when this process holds more resident memory than `bytes`. It checks between two pieces of work:
 * memory that is allocated and freed within one is not seen.
 * @param everyMs time between two checks
 */
export function watchMemory(bytes: number, exceeded: (resident: number) => void, everyMs = 1000): { end(): void } {
  const timer = setInterval(() => {
    const resident = process.memoryUsage.rss();
    if (resident <= bytes) return;
    clearInterval(timer);
    exceeded(resident);
  }, everyMs);
  timer.unref();
  return { end: () => clearInterval(timer) };
}
