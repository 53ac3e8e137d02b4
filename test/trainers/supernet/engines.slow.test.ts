import { sharedSpecs } from '../../../spaces/models/index.js';
import { engineSchema, type EngineConfig, type TrainingEngine } from '../../../trainers/index.js';
import { openEngine } from '../../../trainers/engines/index.js';
import { supernetEngines } from '../../../trainers/supernet/engines.js';
import type { SupernetSpec } from '../../../trainers/supernet/program.js';
import { createSandwich } from '../../../trainers/supernet/sandwich.js';
import { batch, describeEngine, specOf, threads, type Overrides } from '../engines/contract.js';
import { compiled } from '../support/tiny-training.js';
import { makeSpace, tiniestSpace } from './spaces.js';

/** A supernet whose random member changes every second step. */
const openSupernet =
  (config: EngineConfig) =>
  async ({ dropout = 0, ...overrides }: Overrides = {}): Promise<TrainingEngine> => {
    const space = await makeSpace(tiniestSpace(dropout));
    const spec = (): SupernetSpec => {
      const learning = specOf(overrides)();
      const sandwich = createSandwich(space, { networks: 1, hold: 2, sampling: 'uniform' }, learning.seed);
      return { ...learning, sandwich, shared: sharedSpecs(space) };
    };
    return openEngine(config, { spec, ...supernetEngines }, { threads, batch });
  };

describeEngine('compiled supernet', openSupernet(compiled));
describeEngine('native supernet', openSupernet(engineSchema.parse({ type: 'native' })));
