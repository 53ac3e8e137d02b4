import { searchSchema } from '../../search/index.js';
import { describeController } from './contract.js';
import { controllerOf } from './support.js';

for (const name of searchSchema.shape.controller.unwrap().options) {
  describeController(name, (input) => controllerOf(name, input));
}
