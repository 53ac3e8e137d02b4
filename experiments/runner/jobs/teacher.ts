import { cacheDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import type { PreparedTeacher, TrainConfig } from '../../../trainers/index.js';
import type { TrainingContext } from '../context.js';
import { toEpoch } from './training.js';

/**
 * The teacher, ready to teach students that are trained as `train` says; null when there is none. What was prepared
 * before, by this run or any other, comes from the cache.
 */
export async function prepareTeacher(context: TrainingContext, train: TrainConfig): Promise<PreparedTeacher | null> {
  const { plan, jobs, store, observe } = context;
  const { teacher: config, seed, engine } = plan.experiment;
  if (config.type === 'none') return null;
  observe({
    kind: 'phase',
    name: 'teacher',
    message: 'Preparing the teacher, and what it says of every training image',
  });
  const stored = new Set(store.curves.of({ stage: 'teacher' }).map(({ epoch }) => epoch));
  const options = { dataset: plan.dataset, train, seed, engine, threads: plan.teacherThreads, cache: cacheDirectory() };
  const order = {
    id: `teacher/${contentHash(config, train)}`,
    job: { kind: 'teacher', config, options },
    sharing: 'shared',
    inputs: [{ path: plan.dataset.directory, hash: plan.data.hash }],
  } as const;
  const teacher = await jobs.submit(order, {
    event: (event) => {
      switch (event.kind) {
        case 'count':
          observe({ kind: 'progress', phase: 'teacher', done: event.done, total: event.total, unit: event.what });
          break;
        case 'progress': {
          const { epoch, epochs, step, steps, imagesPerSecond } = event.progress;
          const detail = `epoch ${epoch + 1}/${epochs}, ${Math.round(imagesPerSecond)} images/s`;
          const [done, total] = [epoch * steps + step, epochs * steps];
          observe({ kind: 'progress', phase: 'teacher', done, total, unit: 'steps', detail });
          break;
        }
        case 'epoch':
          if (!stored.has(event.metrics.epoch)) store.curves.add({ stage: 'teacher' }, toEpoch(event.metrics));
          stored.add(event.metrics.epoch);
          break;
        case 'note':
          observe({ kind: 'note', message: `teacher: ${event.message}` });
          break;
      }
    },
  }).result;
  if (teacher !== null) {
    const accuracy = `${(100 * teacher.accuracy).toFixed(2)} % on the validation images`;
    observe({ kind: 'note', message: `The teacher, ${teacher.name}, is right on ${accuracy}` });
  }
  return teacher;
}
