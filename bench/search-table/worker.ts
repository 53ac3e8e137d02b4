import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../base/errors.js';
import { type Comparison, problemsOf, runTask, type Task, type TaskResult } from './task.js';

export type Answer = { readonly result: TaskResult } | { readonly error: string };

/** Worker thread: runs one task after another until it is terminated. */
const { comparison } = workerData as { readonly comparison: Comparison };
const problems = problemsOf(comparison);

parentPort?.on('message', (task: Task) => {
  const answer = (message: Answer) => parentPort?.postMessage(message);
  problems
    .then((known) => runTask(comparison, known, task))
    .then(
      (result) => answer({ result }),
      (error: unknown) => answer({ error: messageOf(error) }),
    );
});
