import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { invalidInput } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import {
  isTableExperiment,
  loadExperiment,
  parseExperiment,
  type Experiment,
  type TableExperiment,
} from '../../experiments/index.js';
import { controllerNames, type ControllerName } from '../../search/index.js';
import { readCsv, recogniseDecisions } from '../../spaces/index.js';
import type { Comparison, Noise, Variant } from './task.js';
import { wholeNumber } from '../../cli/arguments/values.js';

/** Arguments of the benchmark. */
export interface ComparisonArguments {
  readonly yaml: string | undefined;
  readonly table: string | undefined;
  readonly decisions: readonly string[];
  readonly objectives: readonly string[];
  readonly devices: readonly string[];
  readonly controllers: readonly string[];
  readonly budget: number;
  readonly seeds: number;
  readonly parallel: number | undefined;
  readonly noise: string | undefined;
  readonly set: readonly string[];
}

/** Splits `a,b` and `a b`. */
const listed = (values: readonly string[]): string[] => values.flatMap((value) => value.split(',')).filter(Boolean);

const directions: Readonly<Record<string, 'maximize' | 'minimize'>> = {
  max: 'maximize',
  maximize: 'maximize',
  min: 'minimize',
  minimize: 'minimize',
};

/** `column:direction:cost` as an entry of `objectives:`. */
function parseObjective(text: string) {
  const [name, direction = '', cost = 'expensive', ...rest] = text.split(':');
  const known = Object.hasOwn(directions, direction) && ['cheap', 'expensive'].includes(cost);
  if (name === '' || !known || rest.length > 0)
    throw invalidInput(`--objectives ${text}: expected column:direction:cost, such as accuracy:max:expensive`, {
      hint: 'The direction is max or min; the cost is cheap or expensive (the default).',
    });
  return { name, direction: directions[direction], cost };
}

const isController = (name: string): name is ControllerName =>
  controllerNames.some((controller) => controller === name);

function parseControllers(values: readonly string[]): ControllerName[] {
  const names = listed(values);
  const wrong = names.find((name) => !isController(name));
  if (wrong !== undefined) {
    throw invalidInput(`--controllers ${wrong}: there is no such controller${didYouMean(wrong, controllerNames)}`, {
      hint: `There are ${controllerNames.join(', ')}.`,
    });
  }
  return names.length === 0 ? [...controllerNames] : [...new Set(names.filter(isController))];
}

function experimentOf({ yaml, table, decisions, objectives, set }: ComparisonArguments): Experiment {
  if ((yaml === undefined) === (table === undefined))
    throw invalidInput('which table? give --table results.csv, or an experiment file whose space is a table');
  if (yaml !== undefined) {
    const changed = [
      ...(decisions.length === 0 ? [] : [`space.decisions=${JSON.stringify(listed(decisions))}`]),
      ...(objectives.length === 0 ? [] : [`objectives=${JSON.stringify(listed(objectives).map(parseObjective))}`]),
    ];
    return loadExperiment(yaml, { set: [...changed, ...set] }).experiment;
  }
  if (objectives.length === 0)
    throw invalidInput('--objectives are missing: which columns are optimised?', {
      hint: 'For example --objectives accuracy:max:expensive,latency:min:cheap.',
    });
  const file = resolve(table ?? '');
  const goals = listed(objectives).map(parseObjective);
  const own = new Set(goals.map(({ name }) => name));
  const named = listed(decisions);
  const columns = named.length > 0 ? named : recogniseDecisions(readCsv(file)).filter((name) => !own.has(name));
  const text = stringify({
    name: 'comparison',
    space: { type: 'table', file, decisions: columns },
    objectives: goals,
  });
  return parseExperiment('the arguments', text, { set }).experiment;
}

/** One variant per device, which replaces the second objective. */
function variantsOf({ objectives }: TableExperiment, devices: readonly string[]): Variant[] {
  const [first] = objectives;
  const names = listed(devices);
  if (names.length === 0)
    return [
      {
        name: objectives
          .slice(1)
          .map(({ name }) => name)
          .join(' + '),
        objectives,
      },
    ];
  const like = objectives.at(1) ?? { direction: 'minimize', cost: 'cheap' };
  return names.map((name) => ({ name, objectives: [first, { ...like, name, column: name }, ...objectives.slice(2)] }));
}

export const noiseOption = {
  type: 'string',
  describe: 'Noise of evaluations: deviation of the first objective and relative one of the others, e.g. 0.5,0.05',
} as const;

/** `0.5,0.05`; the second number is 0 where it is absent. */
export function parseNoise(text: string): Noise {
  const [first, others = 0, ...rest] = text.split(',').map(Number);
  if (rest.length > 0 || !(first >= 0 && others >= 0))
    throw invalidInput(`--noise ${text}: expected one or two numbers of at least 0, such as 0.5,0.05`);
  return [first, others];
}

/**
 * The comparison of the arguments.
 * @throws NasError `invalid-input` for invalid arguments or an experiment that is not on a table.
 */
export function parseComparison(args: ComparisonArguments): Comparison {
  const experiment = experimentOf(args);
  if (!isTableExperiment(experiment))
    throw invalidInput(`${args.yaml ?? ''}: its space is ${experiment.space.type}; expected a table of results`, {
      hint: 'This benchmark looks results up; nas run trains.',
    });
  const parallel = wholeNumber('--parallel', args.parallel ?? experiment.search.parallel);
  return {
    space: experiment.space,
    variants: variantsOf(experiment, args.devices),
    controllers: parseControllers(args.controllers),
    search: { ...experiment.search, trials: wholeNumber('--budget', args.budget), parallel },
    seeds: wholeNumber('--seeds', args.seeds),
    ...(args.noise !== undefined && { noise: parseNoise(args.noise) }),
  };
}
