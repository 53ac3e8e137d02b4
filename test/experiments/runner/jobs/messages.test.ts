import { expect, it } from 'vitest';
import { DeviceFailure, NasError } from '../../../../base/errors.js';
import { JobFailed, WorkerDied } from '../../../../experiments/runner/jobs/job-runner.js';
import { fromPlainError, toPlainError } from '../../../../experiments/runner/jobs/messages.js';

const received = (error: unknown): NasError => fromPlainError(structuredClone(toPlainError(error)));

it('tells a device that failed, whose worker ends, from a job that did', () => {
  const lost = received(new DeviceFailure('lost', 'the download failed', { hint: 'Set a smaller train.batch.' }));
  expect(lost).toBeInstanceOf(WorkerDied);
  expect(lost.message).toBe('the download failed (Set a smaller train.batch.)');
  const diverged = received(new NasError('failure', 'training diverged', { hint: 'Lower the rate.' }));
  expect(diverged).toBeInstanceOf(JobFailed);
  expect(diverged).not.toBeInstanceOf(WorkerDied);
  expect(diverged).toMatchObject({ message: 'training diverged', hint: 'Lower the rate.' });
  expect(received(new NasError('invalid-input', 'no such file'))).not.toBeInstanceOf(JobFailed);
});
