import type { EngineChoice } from '../../trainers/index.js';
import { finalRepeatsSearch, type TrainingExperiment } from '../schema/experiment.js';

/** What is allowed in an experiment and hardly meant: a warning for each. */
export function doubtsAbout(experiment: TrainingExperiment, engine: EngineChoice): string[] {
  const { train, final } = experiment;
  const onProcessor = engine.type === 'compiled' && engine.provider === 'cpu';
  return [
    ...(finalRepeatsSearch(experiment)
      ? [
          `final: begins as the search's trainings do and is no longer than their ${train.epochs} epochs, so it will hardly come to more; give final.epochs more`,
        ]
      : []),
    ...(onProcessor && [train, final].some((one) => one?.precision === 'mixed')
      ? ['precision: mixed is for graphics cards; the processor computes float16 by casting it, which is slower']
      : []),
  ];
}
