import { memberOf, type Genotype, type Space } from '../../../spaces/index.js';
import type { InitialWeights, MemberJob, SupernetConfig } from '../../../trainers/index.js';
import type { TrainingPlan } from '../plan.js';

/** Shared weights, ready to take slices from. */
export interface PreparedSupernet {
  readonly file: string;
  /** Content hash of the file. */
  readonly hash: string;
  readonly config: SupernetConfig;
  readonly seed: number;
}

/** A network's part of shared weights, for a training to begin with. */
export const sliceOf = (space: Space, { file }: PreparedSupernet, genotype: Genotype): InitialWeights => ({
  file,
  places: memberOf(space, genotype).places,
});

/** The evaluation of a network's slice as it is, calibrated as every other. */
export function memberJob(
  { space, dataset, engine, threads }: Pick<TrainingPlan, 'space' | 'dataset' | 'engine' | 'threads'>,
  { file, config, seed }: Omit<PreparedSupernet, 'hash'>,
  genotype: Genotype,
): MemberJob {
  const { augment, batch, calibration } = config;
  const member = memberOf(space, genotype);
  return { member, weights: file, dataset, augment, batch, calibration, seed, engine, threads };
}
