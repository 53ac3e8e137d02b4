import { sharedSpecs } from '../../../spaces/models/index.js';
import type { EngineConfig, TrainingEngine } from '../../../trainers/index.js';
import { openEngine } from '../../../trainers/engines/index.js';
import { createCompiledSupernet, createEagerSupernet } from '../../../trainers/supernet/engines.js';
import { createSupernetProgram } from '../../../trainers/supernet/program.js';
import { createSandwich } from '../../../trainers/supernet/sandwich.js';
import { batch, describeEngine, specOf, threads, type Overrides } from '../engines/contract.js';
import { compiled, eager } from '../support/tiny-training.js';
import { makeSpace, tiniestSpace } from './spaces.js';

/** A supernet with soft labels whose random member changes every second step. */
const openSupernet =
  (config: EngineConfig) =>
  async ({ dropout = 0, ...overrides }: Overrides = {}): Promise<TrainingEngine> => {
    const space = await makeSpace(tiniestSpace(dropout));
    const program = () => {
      const learning = specOf(overrides)();
      const sandwich = createSandwich(space, { networks: 1, hold: 2, sampling: 'uniform' }, learning.seed);
      const softLabels = (step: number) => step / 100;
      return createSupernetProgram({ ...learning, sandwich, shared: sharedSpecs(space), softLabels });
    };
    return openEngine(
      config,
      {
        program,
        eager: createEagerSupernet,
        compiled: createCompiledSupernet,
      },
      { threads, batch },
    );
  };

describeEngine('compiled supernet', openSupernet(compiled));
describeEngine('eager supernet', openSupernet(eager));
