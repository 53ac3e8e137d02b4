import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf, NasError } from '../../base/errors.js';
import { problemsOf, runTask, tasksOf, type Comparison, type Task, type TaskResult } from './task.js';
import type { Answer } from './worker.js';

export interface CompareOptions {
  /** Number of parallel searches, in threads if it is more than one; affects only the ask times of the results. */
  readonly workers: number;
  /** Called with the number of finished and of all searches. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A thread does not inherit the loader of TypeScript. */
const loadWorker = `
  const { workerData } = require('node:worker_threads');
  import('tsx/esm/api').then(({ register }) => { register(); return import(workerData.module); });
`;
const workerModule = new URL('worker.ts', import.meta.url).href;

/** Runs one search after another. */
interface Searcher {
  readonly run: (task: Task) => Promise<TaskResult>;
  readonly close: () => Promise<unknown>;
}

/** In this thread: another one compiles TypeScript anew, for seconds. */
function here(comparison: Comparison): Searcher {
  const problems = problemsOf(comparison);
  return { run: async (task) => runTask(comparison, await problems, task), close: () => Promise.resolve() };
}

function inThread(comparison: Comparison): Searcher {
  const worker = new Worker(loadWorker, { eval: true, workerData: { comparison, module: workerModule } });
  return { run: (task) => answerOf(worker, task), close: () => worker.terminate() };
}

/**
 * Runs every search of a comparison. @returns their results in the order of `tasksOf`.
 * @throws NasError `failure` when a search throws.
 */
export async function compare(
  comparison: Comparison,
  { workers, onProgress }: CompareOptions,
): Promise<readonly TaskResult[]> {
  const tasks = tasksOf(comparison);
  const results: TaskResult[] = [];
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    const searcher = workers > 1 ? inThread(comparison) : here(comparison);
    try {
      while (next < tasks.length) {
        const i = next++;
        results[i] = await searcher.run(tasks[i]).catch((error: unknown) => {
          const { controller, seed } = tasks[i];
          throw new NasError('failure', `${controller}, seed ${seed}: ${messageOf(error)}`, { cause: error });
        });
        onProgress?.(++done, tasks.length);
      }
    } finally {
      await searcher.close();
    }
  };
  const searchers = Array.from({ length: Math.max(1, Math.min(workers, tasks.length)) }, work);
  const ends = await Promise.allSettled(searchers);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results;
}

/** @throws Error when the search throws or its thread ends. */
async function answerOf(worker: Worker, task: Task): Promise<TaskResult> {
  const settled = new AbortController();
  const { signal } = settled;
  worker.postMessage(task);
  try {
    const [event]: unknown[] = await Promise.race([
      once(worker, 'message', { signal }),
      once(worker, 'exit', { signal }).then(([code]) => [{ error: `its thread ended with code ${String(code)}` }]),
    ]);
    const answer = event as Answer;
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  } finally {
    settled.abort();
  }
}
