import { searchSchema, type SearchConfig } from '../../search/index.js';
import { describeController } from './contract.js';
import { controllerOf } from './support.js';

/** What an ask may take after ten thousand trials, on a slow machine that does other things too. */
const askMs: { readonly [K in SearchConfig['controller']]: number } = {
  random: 2,
  evolution: 2,
  nsga2: 2,
  local: 20,
  tpe: 60,
  reinforce: 20,
  surrogate: 2000,
};

for (const name of searchSchema.shape.controller.unwrap().options) {
  describeController(name, (input) => controllerOf(name, input), { askMs: askMs[name] });
}
