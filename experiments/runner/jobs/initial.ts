import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFile, readTensorFile, type InitialWeights } from '../../../trainers/index.js';
import { canonicalJson } from '../../../base/hash.js';
import { memberOf, type Genotype } from '../../../spaces/index.js';
import { initialContent } from '../../initial-weights/index.js';
import type { TrainingContext } from '../context.js';
import { initialFile } from '../workdir.js';

/** The weights that the network of a genotype starts from; undefined: random ones. */
export type InitialSource = (genotype: Genotype) => InitialWeights | undefined;

/** The weights of `train.from`, of which every network takes its part. They are converted once for each run. */
export async function prepareInitial(context: TrainingContext): Promise<InitialSource> {
  const { plan, jobs, observe } = context;
  const { initial: path, space } = plan.experiment;
  if (path === undefined) return () => undefined;
  const file = join(plan.workdir, initialFile);
  const content = initialContent(path);
  const meta = { from: content, data: plan.data.hash };
  if (!isMade(file, meta)) {
    observe({ kind: 'phase', name: 'weights', message: `Reading the weights that trainings start from` });
    const order = {
      id: `initial/${content}`,
      job: { kind: 'initial', path, space: { config: space, task: plan.task }, dataset: plan.dataset, file, meta },
      sharing: 'shared',
    } as const;
    await jobs.submit(order, {
      event: (event) => {
        if (event.kind === 'count')
          observe({ kind: 'progress', phase: 'weights', done: event.done, total: event.total, unit: event.what });
      },
    }).result;
  }
  return (genotype) => ({ file, partial: true, places: memberOf(plan.space, genotype).places });
}

/** Whether it has been converted, by an earlier part of the run; what is damaged is made again. */
function isMade(file: string, meta: unknown): boolean {
  try {
    return existsSync(file) && canonicalJson(readTensorFile(file).meta) === canonicalJson(meta);
  } catch (error) {
    if (error instanceof CorruptFile) return false;
    throw error;
  }
}
