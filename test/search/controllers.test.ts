import { controllerNames, type ControllerName } from '../../search/index.js';
import { describeController, type Limits } from './contract.js';
import { controllerOf } from './support.js';

const limits: { readonly [K in ControllerName]: Limits } = {
  random: { trials: 50, askMs: 4, history: 10_000, asks: 100 },
  evolution: { trials: 50, askMs: 4, history: 10_000, asks: 100 },
  nsga2: { trials: 50, askMs: 4, history: 10_000, asks: 100 },
  local: { trials: 50, askMs: 20, history: 5000, asks: 50 },
  tpe: { trials: 50, askMs: 60, history: 5000, asks: 20 },
  reinforce: { trials: 50, askMs: 20, history: 5000, asks: 50 },
  surrogate: { trials: 20, askMs: 1000, history: 500, asks: 3 },
};

for (const name of controllerNames) {
  describeController(name, (input) => controllerOf(name, input), limits[name]);
}
