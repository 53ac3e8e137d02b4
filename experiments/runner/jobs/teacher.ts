import { cacheDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import type { PreparedTeacher, TrainConfig } from '../../../trainers/index.js';
import type { TrainingContext } from '../context.js';
import { phaseTraining } from './phase-training.js';

/**
 * The teacher, ready to teach students that are trained as `train` says; null when there is none. What was prepared
 * before, by this run or any other, comes from the cache.
 */
export async function prepareTeacher(context: TrainingContext, train: TrainConfig): Promise<PreparedTeacher | null> {
  const { plan, jobs, observe } = context;
  const { teacher: config, seed } = plan.experiment;
  if (config.type === 'none') return null;
  observe({
    kind: 'phase',
    name: 'teacher',
    message: 'Preparing the teacher, and what it says of every training image',
  });
  const options = {
    dataset: plan.dataset,
    train,
    seed,
    engine: plan.engine,
    threads: plan.teacherThreads,
    cache: cacheDirectory(),
  };
  const order = {
    id: `teacher/${contentHash(config, train)}`,
    job: { kind: 'teacher', config, options },
    sharing: 'shared',
    inputs: [{ path: plan.dataset.directory, hash: plan.data.hash }],
  } as const;
  const schedule = config.type === 'train' ? config : train;
  const { listener } = phaseTraining(context, 'teacher', { stage: 'teacher' }, schedule);
  const teacher = await jobs.submit(order, listener).result;
  if (teacher !== null) {
    const accuracy = `${(100 * teacher.accuracy).toFixed(2)} % on the validation images`;
    observe({ kind: 'note', message: `The teacher, ${teacher.name}, is right on ${accuracy}` });
  }
  return teacher;
}
