import { controllerNames } from '../../search/index.js';
import { describeController } from './contract.js';
import { controllerOf } from './support.js';

for (const name of controllerNames)
  describeController(name, (input) => controllerOf(name, input), name === 'surrogate' ? 20 : 40);
