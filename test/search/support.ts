import { mean } from '../../base/statistics.js';
import {
  createController,
  searchSchema,
  type AskContext,
  type Controller,
  type ControllerInput,
  type ControllerName,
} from '../../search/index.js';
import { violated, type Objective, type Proposal, type TrialResult, type Values } from '../../search/index.js';
import { tableSpace, type DecisionSpace, type Genotype } from '../../spaces/index.js';

/** 5^5 networks with conflicting objectives: larger ones are slower, and the most accurate choices lie in between. */
export const table = tableSpace(
  'table',
  ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, choices: [0, 1, 2, 3, 4] })),
);

/** Ten decisions, nine of them irrelevant for shallow networks: 3 + 9 + 27 ... of 3^10 combinations differ. */
export const canonicalSpace: DecisionSpace = {
  name: 'canonical',
  decisions: [
    { name: 'depth', choices: [1, 2, 3] },
    ...Array.from({ length: 3 }, (_, i) => ({ name: `kernel${i}`, choices: [3, 5, 7] })),
  ],
  canonical: ([depth, ...kernels]: Genotype) => [depth, ...kernels.map((kernel, i) => (i <= depth ? kernel : 0))],
};

/** How many networks `canonicalSpace` has. */
export const canonicalCount = 3 + 9 + 27;

/** Latency in ms and parameters: known before training. */
export const cheapValues = (genotype: Genotype): Values => ({
  latency_ms: 0.5 + mean(genotype.map((index, i) => (index * (i + 1)) / 3)),
  params: 1000 * (1 + genotype.reduce((sum, index) => sum + index ** 2, 0)),
});

/** What "training" gives. */
export const accuracy = (genotype: Genotype): number =>
  0.9 - mean(genotype.map((index, i) => ((index - 3 + (i % 2)) / 4) ** 2));

export const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
];

export const limited = (bounds: Readonly<Record<string, { min?: number; max?: number }>>): readonly Objective[] => [
  ...objectives.filter(({ name }) => !(name in bounds)),
  ...Object.entries(bounds).map(([name, constraint]): Objective => ({
    name,
    direction: name === 'accuracy' ? 'maximize' : 'minimize',
    cost: name === 'accuracy' ? 'expensive' : 'cheap',
    constraint,
  })),
];

export const input = (changes: Partial<ControllerInput> = {}): ControllerInput => ({
  space: table,
  objectives,
  seed: 1,
  ...changes,
});

export const controllerOf = (
  name: ControllerName,
  changes: Partial<ControllerInput> = {},
  config: object = {},
): Controller => createController(name, searchSchema.parse(config), input(changes));

export const contextOf = (history: readonly TrialResult[], pending: readonly Genotype[] = []): AskContext => ({
  number: history.length + pending.length,
  history,
  pending,
  cheap: cheapValues,
});

/** The outcome of a proposal: now and then a failure, and pruned when it breaks a constraint. */
export function outcomeOf(number: number, genotype: Genotype, judged: readonly Objective[] = objectives): TrialResult {
  if (number % 7 === 5) return { number, genotype, state: 'failed', values: {} };
  if (number % 11 === 9) return { number, genotype, state: 'pruned', values: cheapValues(genotype) };
  const values = { ...cheapValues(genotype), accuracy: accuracy(genotype) };
  return { number, genotype, state: violated(judged, values).length > 0 ? 'pruned' : 'complete', values };
}

export interface Searched {
  readonly proposals: readonly Proposal[];
  readonly history: readonly TrialResult[];
}

/** Runs a search with delayed feedback: trial n is asked from the results of trials 0 ... n - parallel. */
export function search(
  controller: Controller,
  trials: number,
  options: { parallel?: number; from?: readonly TrialResult[]; judged?: readonly Objective[] } = {},
): Searched {
  const { parallel = 1, from = [], judged = objectives } = options;
  const history = [...from];
  const proposals: Proposal[] = [];
  while (history.length < trials) {
    const number = history.length;
    const known = Math.max(0, number - parallel + 1);
    const pending = history.slice(known).map(({ genotype }) => genotype);
    const proposal = controller.ask({ number, history: history.slice(0, known), pending, cheap: cheapValues });
    proposals.push(proposal);
    history.push(outcomeOf(number, proposal.genotype, judged));
  }
  return { proposals, history };
}
