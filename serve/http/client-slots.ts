/** Other clients count as active for this long after a request, in ms. */
const activeMs = 1000;

interface Waiting {
  /** Number of slots that the request takes; a request of any weight may run alone. */
  readonly weight: number;
  readonly isGone: boolean;
  /** Whether it may wait for a slot; otherwise it is refused. */
  readonly mayWait: boolean;
  readonly begin: () => void;
}

interface Client {
  /** Slots in use. */
  running: number;
  readonly waiting: Waiting[];
}

/**
 * While several clients send requests, each of them runs a bounded number at once, and its further requests wait in order. A
 * client that floods the server therefore waits for itself. A client alone is not bounded.
 */
export class ClientSlots {
  private readonly clients = new Map<string, Client>();
  private readonly latest = { client: '', at: -Infinity };
  private sharedUntil = -Infinity;
  private waiting = 0;

  /** @param mostWaiting bound on the waiting requests of all clients */
  constructor(
    private readonly each: () => number,
    private readonly mostWaiting: number,
  ) {}

  /**
   * Calls `begin` now or when the client has free slots; the caller calls `leave` at the end.
   * @param now in ms of `performance.now()`, as in `leave`
   * @returns false when too many requests wait, or this one may not: `begin` is not called
   */
  enter(client: string, request: Waiting, now: number): boolean {
    if (this.latest.client !== client && now - this.latest.at < activeMs) this.sharedUntil = now + activeMs;
    this.latest.client = client;
    this.latest.at = now;
    let own = this.clients.get(client);
    if (own === undefined) this.clients.set(client, (own = { running: 0, waiting: [] }));
    if (this.mayBegin(own, request.weight, now)) {
      own.running += request.weight;
      request.begin();
    } else {
      if (!request.mayWait || this.waiting >= this.mostWaiting) return false;
      this.waiting++;
      own.waiting.push(request);
    }
    return true;
  }

  /** Reports the end of a request that began. */
  leave(client: string, weight: number, now: number): void {
    const own = this.clients.get(client);
    if (own === undefined) return;
    own.running -= weight;
    for (
      let next = own.waiting.at(0);
      next !== undefined && this.mayBegin(own, next.weight, now);
      next = own.waiting.at(0)
    ) {
      own.waiting.shift();
      this.waiting--;
      if (next.isGone) continue;
      own.running += next.weight;
      next.begin();
    }
    if (own.running === 0 && own.waiting.length === 0) this.clients.delete(client);
  }

  private mayBegin({ running }: Client, weight: number, now: number): boolean {
    return now >= this.sharedUntil || running === 0 || running + weight <= this.each();
  }
}
