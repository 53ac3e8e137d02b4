import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueConnection } from '../connection.js';
import { queueName, type Requirements } from '../queues.js';
import { every } from '../registry.js';
import { JobQueue, type Submission, type SubmittedJob } from './job-queue.js';

/** Between two checks of all jobs, in ms: an event may be missed. */
const checkMs = 5000;

/** Submits the jobs of a run to queues, and reports what becomes of them. */
export class JobClient {
  private readonly queues = new Map<string, JobQueue>();
  private readonly checks = every(checkMs, () => this.check());

  /** @param onTrouble called for errors of the server; every operation is repeated */
  constructor(
    private readonly connection: QueueConnection,
    private readonly onTrouble: (message: string) => void,
  ) {}

  /**
   * Queues a job. If the server already knows a job with this id, that one is used instead, also after its end.
   */
  submit(wanted: Requirements, job: SubmittedJob): Submission {
    return this.queueOf(wanted).submit({ ...job });
  }

  /** Removes an ended job from the server. */
  async remove(wanted: Requirements, id: string): Promise<void> {
    for (let attempt = 0; attempt < 5 && !(await this.queueOf(wanted).remove(id)); attempt++) {
      // A worker has just taken a job whose earlier worker vanished; BullMQ fails it at once.
      await sleep(200);
    }
  }

  /** The requirements of jobs that have waited for a worker for longer than `ms`. */
  waiting(ms: number): readonly Requirements[] {
    return [...this.queues.values()].filter((queue) => queue.hasWaited(ms)).map(({ wanted }) => wanted);
  }

  async close(): Promise<void> {
    this.checks.stop();
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  private queueOf(wanted: Requirements): JobQueue {
    const name = queueName(wanted);
    const queue = this.queues.get(name) ?? new JobQueue(this.connection, wanted, this.onTrouble);
    this.queues.set(name, queue);
    return queue;
  }

  private async check(): Promise<void> {
    if (this.connection.redis.status !== 'ready') return;
    await Promise.all([...this.queues.values()].map((queue) => queue.check()));
  }
}
