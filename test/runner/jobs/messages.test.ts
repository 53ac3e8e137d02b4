import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DeviceFailure, invalidInput, NasError } from '../../../base/errors.js';
import { JobFailed, StorageFailure, WorkerDied } from '../../../runner/jobs/job-runner.js';
import { fromPlainError, toPlainError } from '../../../runner/jobs/messages.js';

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
  expect(received(AbortSignal.abort().reason)).toMatchObject({ code: 'interrupted' });
});

const systemError = (code: string): Error => Object.assign(new Error(`${code}: no`), { code });

it('distinguishes a full disk from a failure of the job, also over several processes', () => {
  let full: unknown;
  try {
    writeFileSync('/dev/full', 'text');
  } catch (error) {
    full = error;
  }
  const failure = received(full);
  expect(failure).toBeInstanceOf(StorageFailure);
  expect(failure).toMatchObject({ code: 'invalid-input', message: expect.stringContaining('ENOSPC') as string });
  expect(failure.hint).toContain('Free some space');
  const again = received(failure);
  expect(again).toBeInstanceOf(StorageFailure);
  expect(again).toMatchObject({ message: failure.message, hint: failure.hint });
});

it('knows a full disk by the cause of what speaks for itself, and a file that may not be read as another matter', () => {
  const wrapped = received(
    invalidInput('model.onnx cannot be written', { hint: 'Elsewhere.', cause: systemError('EROFS') }),
  );
  expect(wrapped).toBeInstanceOf(StorageFailure);
  expect(wrapped).toMatchObject({ message: 'model.onnx cannot be written', hint: 'Elsewhere.' });
  const unreadable = received(invalidInput('space.ts cannot be read', { cause: systemError('EACCES') }));
  expect(unreadable).not.toBeInstanceOf(StorageFailure);
  expect(unreadable.code).toBe('invalid-input');
  expect(received(systemError('EACCES'))).toBeInstanceOf(StorageFailure);
  expect(received(systemError('ENOENT'))).toBeInstanceOf(JobFailed);
});
