import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import type { PreparedTeacher, SupernetConfig } from '../../../trainers/index.js';
import { epochsText } from '../../report/text.js';
import type { TrainingContext } from '../context.js';
import { phaseTraining } from '../jobs/phase-training.js';
import { supernetFolder, weightsFile } from '../workdir.js';
import type { SupernetPlan } from './plan.js';
import type { PreparedSupernet } from './slice.js';
import { trainedDetail } from './trained.js';

/** What the training of a supernet rests on. */
export interface SupernetNeeds {
  readonly teacher: PreparedTeacher | null;
  /** File of weights by shared name to start from; undefined: random ones. */
  readonly initial: string | undefined;
}

/**
 * The supernet of a run, trained to its end now unless it was, from its checkpoint when there is one.
 * @param needs makes ready what its training rests on, where it is trained.
 * @throws NasError `interrupted` when the user stopped the run before its end; `failure` when its training failed.
 */
export async function prepareSupernet(
  context: TrainingContext,
  { config, seed, file }: SupernetPlan,
  needs: () => Promise<SupernetNeeds>,
): Promise<PreparedSupernet> {
  const trained = file ?? (await trainSupernet(context, config, seed, await needs()));
  return { file: trained, hash: contentHash(readFileSync(trained)), config, seed };
}

async function trainSupernet(
  context: TrainingContext,
  config: SupernetConfig,
  seed: number,
  { teacher, initial }: SupernetNeeds,
): Promise<string> {
  const { plan, jobs, observe } = context;
  const { dataset, task, workdir, experiment } = plan;
  observe({ kind: 'phase', name: 'supernet', message: `Training the supernet (${epochsText(config.epochs)})` });
  const supernet = {
    space: experiment.space,
    task,
    seed,
    config,
    dataset,
    teacher,
    initial,
    engine: plan.engine,
    threads: plan.teacherThreads,
    directory: join(workdir, supernetFolder),
  };
  const order = {
    id: 'supernet',
    job: { kind: 'supernet', supernet },
    sharing: 'shared',
  } as const;
  const { listener, record } = phaseTraining(context, 'supernet', { stage: 'supernet' }, config);
  const result = await jobs.submit(order, listener).result;
  if (result.state !== 'complete') throw new NasError('interrupted', 'the training of the supernet was stopped');
  result.curve.forEach(record);
  keep(context, result.weights);
  const accuracy = `${(100 * result.accuracy).toFixed(2)} % on the validation images`;
  observe({ kind: 'note', message: `The supernet is trained: its largest network is right on ${accuracy}` });
  return result.weights;
}

/** Records the weights, once: what other runs look for when they take this supernet. */
function keep({ store, plan }: TrainingContext, file: string): void {
  if (trainedDetail(store) !== null) return;
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  const path = [supernetFolder, weightsFile].join('/').replaceAll('\\', '/');
  store.transaction(() => {
    store.artifacts.add({ stage: 'supernet' }, { kind: 'weights', path, sha256, bytes: statSync(file).size });
    store.events.add({ kind: 'supernet-trained', detail: { data: plan.data.hash, sha256 } });
  });
}
