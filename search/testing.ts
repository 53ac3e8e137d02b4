import { enumerate, genotypeId, tableSpace, type DecisionSpace, type Genotype } from '../spaces/index.js';
import type { AskContext, Controller, ControllerInput, Proposal, TrialResult } from './controller.js';
import type { Values } from './objective.js';
import { SpaceExhausted } from './propose.js';

/** One check of a contract, for any test runner; `run` throws an error that says what is broken. */
export interface Check {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** Throws unless `kept`. */
export function promise(kept: boolean, broken: () => string): void {
  if (!kept) throw new Error(broken());
}

/** Compares plain data. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  promise(a === b, () => `${what}: ${a}, expected ${b}`);
}

/** 4 x 4 x 4 networks; larger ones are slower, and the most accurate choices lie in between. */
const space: DecisionSpace = tableSpace(
  'example',
  ['depth', 'width', 'kernel'].map((name) => ({ name, choices: [1, 2, 3, 4] })),
);

const input: ControllerInput = {
  space,
  objectives: [
    { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
    { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
  ],
  seed: 1,
};

const cheap = (genotype: Genotype): Values => ({
  latency_ms: genotype.reduce((sum, index, i) => sum + index * (i + 1), 1),
});

/** The outcome of a trial; some fail. */
function outcomeOf(number: number, genotype: Genotype): TrialResult {
  if (number % 7 === 5) return { number, genotype, state: 'failed', values: {} };
  const accuracy = genotype.reduce((loss, index, i) => loss - 0.05 * (index - 1 - (i % 2)) ** 2, 0.9);
  return { number, genotype, state: 'complete', values: { accuracy, ...cheap(genotype) } };
}

const contextOf = (history: readonly TrialResult[], known = history.length): AskContext => ({
  number: history.length,
  history: history.slice(0, known),
  pending: history.slice(known).map(({ genotype }) => genotype),
  cheap,
});

/** Trials from `history` on, `parallel` at once with delayed feedback. */
function search(controller: Controller, trials: number, parallel: number, before: readonly TrialResult[] = []) {
  const history = [...before];
  const proposals: Proposal[] = [];
  while (history.length < trials) {
    const proposal = controller.ask(contextOf(history, Math.max(0, history.length - parallel + 1)));
    proposals.push(proposal);
    history.push(outcomeOf(history.length, proposal.genotype));
  }
  return { history, proposals };
}

const trials = 30;

/** The contract of every controller; `ownController` makes a controller of a module's. */
export function controllerChecks(create: (input: ControllerInput) => Controller): readonly Check[] {
  return [
    {
      name: 'repeats by seed',
      run: () => {
        const run = () => search(create({ ...input, seed: 3 }), trials, 1).proposals;
        same(run(), run(), 'two searches with one seed');
      },
    },
    ...[1, 4].map((parallel) => ({
      name: `asks the same when it is made anew and fed the stored history, ${parallel} at once`,
      run: () => {
        const whole = search(create(input), trials, parallel);
        for (const killed of [1, 8, trials >> 1, trials - 1]) {
          const stored = JSON.parse(JSON.stringify(whole.history.slice(0, killed))) as TrialResult[];
          const rest = search(create(input), trials, parallel, stored);
          same(rest.proposals, whole.proposals.slice(killed), `asked after trial ${killed - 1}`);
        }
      },
    })),
    {
      name: 'depends on its context alone, whatever it was asked before',
      run: () => {
        const { history } = search(create(input), trials, 1);
        const used = create(input);
        for (const length of [trials, 3, 17, 0, trials - 1]) {
          const context = contextOf(history.slice(0, length), Math.max(0, length - 2));
          same(used.ask(context), create(input).ask(context), `asked after ${length} trials`);
        }
      },
    },
    {
      name: 'asks no network twice, pending ones included, and canonical genotypes only',
      run: () => {
        const { history } = search(create(input), 60, 5);
        same(new Set(history.map(({ genotype }) => genotypeId(genotype))).size, 60, 'different networks of 60');
        for (const { genotype } of history) same(genotype, space.canonical(genotype), 'a genotype');
      },
    },
    {
      name: 'goes through a small space once, then says that it is exhausted',
      run: () => {
        const all = [...enumerate(space)].length;
        const controller = create(input);
        const { history } = search(controller, all, 1);
        try {
          controller.ask(contextOf(history));
        } catch (error) {
          promise(error instanceof SpaceExhausted, () => `thrown: ${String(error)}, expected SpaceExhausted`);
          return;
        }
        promise(false, () => `a proposal after all ${all} networks`);
      },
    },
    {
      name: 'asks for enqueued networks first',
      run: () => {
        const enqueued = [{ name: 'large', genotype: [3, 3, 3] }];
        const { genotype, source } = create({ ...input, enqueued }).ask(contextOf([]));
        same([genotype, source], [[3, 3, 3], { kind: 'enqueued', name: 'large' }], 'the first proposal');
      },
    },
  ];
}
