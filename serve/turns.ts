/** Milliseconds of costly work in an iteration of the event loop. */
const msOfIteration = 2;
/** Iterations without costly work after one with it, while connections come. */
const iterationsOfArrivals = 8;

interface Client {
  /** Milliseconds of its work, on a clock that newcomers join where it stands. */
  had: number;
  readonly waiting: (() => void)[];
}

/**
 * Shares the event loop between clients. Costly work has a few milliseconds in each iteration; the client that had the least time
 * is next. A cheap request does not wait longer than one piece of work.
 *
 * Node.js accepts one connection in an iteration, so that many connections at once would wait for a piece of work each. While they
 * come, there is work in every ninth iteration only.
 */
export class Turns {
  private readonly clients = new Map<string, Client>();
  private waiting = 0;
  private spentMs = 0;
  private clock = 0;
  private isScheduled = false;
  /** Whether a connection came in this iteration, and how many iterations belong to connections. */
  private hasArrived = false;
  private ofArrivals = 0;

  /** Reports that a connection was accepted: more may wait behind it. */
  arrived(): void {
    this.hasArrived = true;
    this.schedule();
  }

  /** Does a piece of work now, or when it is the client's turn. */
  run<T>(client: string, work: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.enter(client, () => {
        const began = performance.now();
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        this.count(client, performance.now() - began);
      });
    });
  }

  /**
   * Whether the client may do work that is not one call, such as reading on.
   * @param ms expected time of the work
   * @returns null: now; otherwise resolves when it is its turn
   */
  pace(client: string, ms: number): Promise<void> | null {
    if (this.hasTime) {
      this.count(client, ms);
      return null;
    }
    return new Promise((resolve) =>
      this.enter(client, () => {
        this.count(client, ms);
        resolve();
      }),
    );
  }

  private get hasTime(): boolean {
    return this.waiting === 0 && this.spentMs < msOfIteration && !this.belongsToArrivals;
  }

  private get belongsToArrivals(): boolean {
    return this.hasArrived && this.ofArrivals > 0;
  }

  private enter(name: string, work: () => void): void {
    if (this.hasTime) {
      work();
      return;
    }
    this.waiting++;
    this.of(name).waiting.push(work);
    this.schedule();
  }

  private of(name: string): Client {
    let client = this.clients.get(name);
    if (client === undefined) this.clients.set(name, (client = { had: this.clock, waiting: [] }));
    return client;
  }

  private count(name: string, ms: number): void {
    this.spentMs += ms;
    const client = this.of(name);
    client.had = Math.max(client.had, this.clock) + ms;
    this.ofArrivals = iterationsOfArrivals;
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.spentMs = 0;
      const isTurn = !this.belongsToArrivals;
      this.hasArrived = false;
      if (isTurn) {
        this.next();
        return;
      }
      this.ofArrivals--;
      this.schedule();
    });
  }

  private next(): void {
    if (this.waiting === 0) this.clients.clear();
    while (this.waiting > 0 && this.spentMs < msOfIteration) {
      const client = this.leastServed();
      this.clock = Math.max(this.clock, client.had);
      const work = client.waiting.shift();
      this.waiting--;
      work?.();
    }
    if (this.waiting > 0) this.schedule();
  }

  private leastServed(): Client {
    let least: Client | null = null;
    for (const client of this.clients.values())
      if (client.waiting.length > 0 && (least === null || client.had < least.had)) least = client;
    if (least === null) throw new Error('no client waits');
    return least;
  }
}
