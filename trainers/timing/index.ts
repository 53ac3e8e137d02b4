import { fork } from 'node:child_process';
import { builtModule, withLargePages } from '../../base/processes.js';
import { NasError } from '../../base/errors.js';
import { timingSchema, type Timing, type TimingJob, type TimingReply } from './job.js';

export type { NodeShare, Timing, TimingJob } from './job.js';
export { readTimedNetworks, type TimedNetwork } from './networks-file.js';
export { median } from './time-step.js';

/**
 * Times the training of a network in a new process, which is gone when this resolves.
 * @throws NasError when the process fails or dies; the signal's reason when it is aborted
 */
export function timeTraining(job: TimingJob, signal?: AbortSignal): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const child = fork(builtModule('./worker.js', import.meta.url), {
      execArgv: [],
      env: withLargePages(process.env),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const stop = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    let errors = '';
    let received: TimingReply | undefined;
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('message', (message: TimingReply) => (received = message));
    child.on('error', reject);
    child.on('exit', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      const what = `timing ${job.timed.name}`;
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (received === undefined)
        reject(
          new NasError('failure', `${what}: the process ended with ${killedBy ?? `code ${code}`}\n${errors}`.trim()),
        );
      else if ('error' in received) reject(new NasError('failure', `${what}: ${received.error}`));
      else resolve(timingSchema.parse(received.timing));
    });
    child.send(job);
  });
}
