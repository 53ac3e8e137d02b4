import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { connectQueue, type QueueConnection } from '../../../workers/connection.js';
import { openRunner, type RunToOpen } from '../../../workers/coordinator/open-runner.js';
import type { RemoteRunner } from '../../../workers/coordinator/remote-runner.js';
import { workersSchema, type QueueConfig } from '../../../experiments/schema/workers.js';
import type { RunEvent } from '../../../runner/events.js';
import { Store } from '../../../store/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import type { Valkey } from '../../support/valkey.js';
import { addressOf } from '../worker/stand.js';
import { meta } from '../../store/support.js';

/** `workers:` of an experiment with this queue. */
export function configOf({ url }: Pick<Valkey, 'url'>, more: object = {}): QueueConfig {
  const config = workersSchema.parse({ type: 'queue', url, ...more });
  if (config.type !== 'queue') throw new Error('a queue was asked for');
  return config;
}

/** A connection of the test's own. */
export async function connectionTo(valkey: Valkey): Promise<QueueConnection> {
  const connection = await connectQueue(addressOf(valkey));
  onTestFinished(() => connection.close());
  return connection;
}

/** A run without an experiment, whose jobs a test gives it. */
export class QueuedRun {
  readonly workdir = temporaryFolder();
  readonly events: RunEvent[] = [];
  readonly store: Store;

  constructor(private readonly valkey: Valkey) {
    this.store = Store.create(join(this.workdir, 'nas.sqlite'), { ...meta, experiment: {} });
    onTestFinished(() => this.store.close());
  }

  get notes(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === 'note' || event.kind === 'warning' ? [event.message] : []));
  }

  /** A coordinator of the run. */
  async open(changes: Partial<RunToOpen> = {}, more: object = {}): Promise<RemoteRunner> {
    return openRunner(configOf(this.valkey, more), {
      name: 'jobs',
      workdir: this.workdir,
      store: this.store,
      modules: false,
      parallel: 1,
      retries: 2,
      acceptEnvironment: false,
      observe: (event) => this.events.push(event),
      stopping: () => false,
      ...changes,
    });
  }
}

/** The processes in which jobs of this process's workers and pools run. */
export const jobProcesses = (): number[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('worker-main'))
    .map((line) => Number.parseInt(line, 10));
