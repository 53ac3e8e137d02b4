import { clientGone, NotAnswered } from '../inference/pool.js';
import { SortedQueue } from '../scheduler/deadline-queue.js';

export interface Wish {
  /** On the clock of `now`, in ms. */
  readonly deadline: number;
  readonly isGone: () => boolean;
  /** The client of the task: clients have equal shares of the permits. */
  readonly client: string;
  /** Expected time of the task. */
  readonly ms: number;
}

interface Waiting extends Pick<Wish, 'deadline' | 'isGone'> {
  readonly wish: Wish;
  readonly begin: () => void;
  readonly refuse: (reason: NotAnswered) => void;
}

interface Client {
  running: number;
  /** Expected time of its waiting tasks together. */
  waitingMs: number;
  readonly waiting: SortedQueue<Waiting>;
}

/**
 * A semaphore. The next task is one of the client that runs the fewest tasks; of these, the task of the earliest deadline.
 */
export class DeadlineSemaphore {
  private readonly running = new Set<Wish>();
  /** Clients with a running or a waiting task. */
  private readonly clients = new Map<string, Client>();
  private sequence = 0;
  private waiting = 0;

  /** @param now clock of the deadlines, in ms */
  constructor(
    private readonly parallel: number,
    private readonly now: () => number,
  ) {}

  /** Number of waiting tasks. */
  get depth(): number {
    return this.waiting;
  }

  /** Whether no task runs. */
  get isIdle(): boolean {
    return this.running.size === 0;
  }

  /** Expected milliseconds until a task of this client that arrives now begins. */
  waitMs(client: string): number {
    if (this.running.size < this.parallel) return 0;
    const own = this.clients.get(client)?.waitingMs ?? 0;
    let shortest = Infinity;
    for (const { ms } of this.running) shortest = Math.min(shortest, ms);
    // Until its tasks have run, each other client gets at most as much time.
    let ahead = 0;
    for (const { waitingMs } of this.clients.values()) ahead += Math.min(waitingMs, own);
    return shortest + ahead / this.parallel;
  }

  /** @throws NotAnswered `gone` or `expired` when the client left or the deadline passed before the task started. */
  async run<T>(task: () => Promise<T>, wish: Wish): Promise<T> {
    const client = this.clientOf(wish);
    if (this.running.size < this.parallel) {
      const refusal = this.refusalOf(wish);
      if (refusal !== null) {
        this.forget(wish.client, client);
        throw refusal;
      }
      this.start(client, wish);
    } else {
      await new Promise<void>((begin, refuse) => {
        this.waiting++;
        client.waitingMs += wish.ms;
        client.waiting.add({
          item: { wish, deadline: wish.deadline, isGone: wish.isGone, begin, refuse },
          sequence: this.sequence++,
        });
      });
    }
    try {
      return await task();
    } finally {
      this.running.delete(wish);
      client.running--;
      this.forget(wish.client, client);
      this.beginNext();
    }
  }

  private clientOf({ client: name }: Wish): Client {
    let client = this.clients.get(name);
    if (client === undefined)
      this.clients.set(name, (client = { running: 0, waitingMs: 0, waiting: new SortedQueue() }));
    return client;
  }

  private forget(name: string, { running, waiting }: Client): void {
    if (running === 0 && waiting.size === 0) this.clients.delete(name);
  }

  private start(client: Client, wish: Wish): void {
    client.running++;
    this.running.add(wish);
  }

  private beginNext(): void {
    for (let client = this.nextClient(); client !== undefined; client = this.nextClient()) {
      // All that cannot begin leave at once: looking for the client again would cost more.
      for (let next = client.waiting.shift(); next !== undefined; next = client.waiting.shift()) {
        const { item } = next;
        this.waiting--;
        client.waitingMs = client.waiting.size === 0 ? 0 : client.waitingMs - item.wish.ms;
        const refusal = this.refusalOf(item);
        if (refusal === null) {
          this.start(client, item.wish);
          item.begin();
          return;
        }
        item.refuse(refusal);
      }
    }
  }

  private nextClient(): Client | undefined {
    let best: Client | undefined;
    let deadline = Infinity;
    for (const [name, client] of this.clients) {
      const { running, waiting } = client;
      const first = waiting.first?.item.deadline;
      if (first === undefined) this.forget(name, client);
      else if (best === undefined || running < best.running || (running === best.running && first < deadline))
        [best, deadline] = [client, first];
    }
    return best;
  }

  private refusalOf({ deadline, isGone }: Pick<Wish, 'deadline' | 'isGone'>): NotAnswered | null {
    if (isGone()) return clientGone;
    if (this.now() < deadline) return null;
    return new NotAnswered('expired', 'the deadline passed before the image could be decoded');
  }
}
