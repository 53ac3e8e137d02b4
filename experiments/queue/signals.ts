import type { QueueConnection } from './connection.js';
import type { Unsubscribe } from './subscriptions.js';

/** What a process wants to hear. */
export interface SignalListener {
  /** A lane (`queueName`) has a job more; also called when that may have been missed, with null: any. */
  wake?(lane: string | null): void;
  /** A job, by its id in the queue, is to end; what was missed, `isCancelled` knows. */
  cancel?(job: string): void;
}

/** For so long, in ms, a job is known to be cancelled. */
const remembered = 3600_000;

/** What processes tell each other at once, so that nobody need ask all the time. */
export class Signals {
  private readonly waking: string;
  private readonly cancelling: string;

  constructor(private readonly connection: QueueConnection) {
    this.waking = connection.key('signal', 'wake');
    this.cancelling = connection.key('signal', 'cancel');
  }

  async wake(lane: string): Promise<void> {
    await this.connection.redis.publish(this.waking, lane);
  }

  async cancel(job: string): Promise<void> {
    const key = this.connection.key('cancelled', job);
    await this.connection.redis.multi().set(key, '', 'PX', remembered).publish(this.cancelling, job).exec();
  }

  /** Whether `cancel` was called, and not forgotten since; also for who was not there to hear it. */
  async isCancelled(job: string): Promise<boolean> {
    return (await this.connection.redis.exists(this.connection.key('cancelled', job))) === 1;
  }

  /** Forgets that jobs were cancelled: they are wanted again. */
  async allow(jobs: readonly string[]): Promise<void> {
    await this.connection.redis.del(jobs.map((job) => this.connection.key('cancelled', job)));
  }

  async subscribe(listener: SignalListener): Promise<Unsubscribe> {
    const { connection } = this;
    const ends: Unsubscribe[] = [];
    if (listener.wake !== undefined)
      ends.push(
        await connection.subscribe(
          this.waking,
          (lane) => listener.wake?.(lane),
          () => listener.wake?.(null),
        ),
      );
    if (listener.cancel !== undefined)
      ends.push(await connection.subscribe(this.cancelling, (job) => listener.cancel?.(job)));
    return () => {
      for (const end of ends) end();
    };
  }
}
