import { cacheDirectory } from '../../../base/files.js';
import { contentHash } from '../../../base/hash.js';
import type { PreparedTeacher, TrainConfig } from '../../../trainers/index.js';
import type { TrainingContext } from '../context.js';
import type { JobOrder } from './job-runner.js';
import type { TeacherJob } from './jobs.js';
import { phaseTraining } from './phase-training.js';

/** The job that makes a teacher ready for students that are trained as `train` says. */
export const teacherOrder = (
  { plan }: Pick<TrainingContext, 'plan'>,
  name: string,
  config: TeacherJob['config'],
  train: TrainConfig,
): JobOrder<TeacherJob> => ({
  id: `teacher/${name}`,
  job: {
    kind: 'teacher',
    config,
    options: {
      dataset: plan.dataset,
      train,
      seed: plan.experiment.seed,
      engine: plan.engine,
      threads: plan.teacherThreads,
      cache: cacheDirectory(),
    },
  },
  sharing: 'shared',
});

/**
 * The teacher, ready to teach students that are trained as `train` says; null when there is none. What was prepared
 * before, by this run or any other, comes from the cache.
 */
export async function prepareTeacher(context: TrainingContext, train: TrainConfig): Promise<PreparedTeacher | null> {
  const { plan, jobs, observe } = context;
  const { teacher: config } = plan.experiment;
  if (config.type === 'none') return null;
  observe({
    kind: 'phase',
    name: 'teacher',
    message: 'Preparing the teacher, and what it says of every training image',
  });
  const order = teacherOrder(context, contentHash(config, train), config, train);
  const schedule = config.type === 'train' ? config : train;
  const { listener } = phaseTraining(context, 'teacher', { stage: 'teacher' }, schedule);
  const teacher = await jobs.submit(order, listener).result;
  if (teacher !== null) {
    const accuracy = `${(100 * teacher.accuracy).toFixed(2)} % on the validation images`;
    observe({ kind: 'note', message: `The teacher, ${teacher.name}, is right on ${accuracy}` });
  }
  return teacher;
}
