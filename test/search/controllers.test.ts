import { searchSchema, type SearchConfig } from '../../search/index.js';
import { describeController, type Limits } from './contract.js';
import { controllerOf } from './support.js';

const limits: { readonly [K in SearchConfig['controller']]: Limits } = {
  random: { askMs: 4, history: 10_000, asks: 100 },
  evolution: { askMs: 4, history: 10_000, asks: 100 },
  nsga2: { askMs: 4, history: 10_000, asks: 100 },
  local: { askMs: 20, history: 5000, asks: 50 },
  tpe: { askMs: 60, history: 5000, asks: 20 },
  reinforce: { askMs: 20, history: 5000, asks: 50 },
  surrogate: { askMs: 1000, history: 500, asks: 3 },
};

for (const name of searchSchema.shape.controller.unwrap().options) {
  describeController(name, (input) => controllerOf(name, input), limits[name]);
}
