import { expect, it } from 'vitest';
import { NasError } from '../../../../base/errors.js';
import { ArtifactGone } from '../../../../experiments/queue/artifacts/failures.js';
import { shortcomingOf } from '../../../../experiments/queue/worker/shortcoming.js';
import { FilesUnreachable } from '../../../../experiments/queue/worker/transfers.js';
import { StorageFailure, WorkerDied } from '../../../../experiments/runner/jobs/job-runner.js';

const gone = new ArtifactGone({ sha256: 'a'.repeat(64), bytes: 1 }, 'the run');

it.each([
  ['a job that was stopped', new NasError('interrupted', 'stopped'), true, 'interrupted'],
  ['a coordinator that is away', new FilesUnreachable(new Error('no route')), false, 'without-files'],
  ['an input that nobody has yet', gone, true, 'without-files'],
  ['an input that nobody has any more', gone, false, 'died'],
  ['a full disk', new StorageFailure('no space left'), true, 'full'],
  ['a process that was killed', new WorkerDied('it was killed'), true, 'died'],
  ['an error of the job', new NasError('invalid-input', 'no such class'), true, 'failed'],
])('%s', (_, thrown, mayWait, kind) => {
  expect(shortcomingOf(thrown, mayWait).kind).toBe(kind);
});
