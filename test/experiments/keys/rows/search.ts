import { row, type Row } from '../row.js';

export interface SearchFiles {
  /** Modules of two controllers. */
  readonly controllers: readonly [string, string];
  /** CSV files of two networks to begin with. */
  readonly seeds: readonly [string, string];
  /** Workdirs of two runs to learn from. */
  readonly earlier: readonly [string, string];
  /** Choices of a decision of the space: the name, and two of them. */
  readonly decision: readonly [name: string, first: string | number, second: string | number];
}

const search = (changes: object): object => ({ search: changes });

/** The keys of `search` that every kind of experiment has. */
export const searchRows = ({ controllers, seeds, earlier, decision: [name, first, second] }: SearchFiles): Row[] => [
  row(
    'search.controller',
    ['random', 'local', 'surrogate', { type: 'module', path: controllers[0] }],
    'asked',
    search({ trials: 14, startup: 4 }),
  ),
  row('search.controller.path', controllers, 'asked', search({ trials: 2, controller: { type: 'module' } })),
  row('search.trials', [3, 4], 'asked'),
  row('search.stop.trials', [3, 4], 'asked'),
  row('search.stop.hours', [100, 1e-9], 'asked'),
  row('search.startup', [2, 6], 'asked', search({ controller: 'local', trials: 14 })),
  row('search.seed_from', seeds, 'asked'),
  row('search.from', [[earlier[0]], [earlier[1]]], 'asked', search({ controller: 'surrogate', startup: 4, trials: 8 })),
  row('search.enqueue[]', [{ [name]: first }, { [name]: second }], 'asked'),
  row('search.enqueue[].name', ['first', 'second'], 'asked', search({ enqueue: [{ choices: { [name]: first } }] })),
  row(
    'search.enqueue[].choices',
    [{ [name]: first }, { [name]: second }],
    'asked',
    search({ enqueue: [{ name: 'own' }] }),
  ),
];

const fidelity = (type: string): object => search({ trials: 9, fidelity: { type } });

/** The keys of `search.fidelity`, of experiments with epochs. */
export const fidelityRows = (): Row[] => [
  row('search.fidelity.type', ['none', 'freeze-thaw'], 'steps', search({ trials: 9 })),
  row('search.fidelity(freeze-thaw).eta', [2, 3], 'steps', fidelity('freeze-thaw')),
  row('search.fidelity(freeze-thaw).min_epochs', [1, 2], 'steps', fidelity('freeze-thaw')),
  row('search.fidelity(freeze-thaw).min_gain', [0.01, 0.9], 'steps', fidelity('freeze-thaw')),
];

/** The keys of `search` for workers that are this run's own. */
export const workerRows = (): Row[] => [
  row('search.parallel', [1, 2], 'pending', search({ controller: 'local' })),
  row('search.order', ['delayed', 'async'], 'pending', search({ controller: 'local', parallel: 2, trials: 8 })),
];

/** The keys of `log`, which has tests of its own for what the programs are told. */
export const logRows = (): Row[] => [
  row('log', [undefined, 'tensorboard'], 'resolved'),
  row('log.tensorboard', [false, true], 'resolved'),
  row('log.mlflow', ['http://127.0.0.1:1', 'http://127.0.0.1:2'], 'resolved'),
];
