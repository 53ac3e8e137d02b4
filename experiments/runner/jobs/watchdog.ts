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
