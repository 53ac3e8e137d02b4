import type { Part } from '../effects.js';
import { row, type Row } from '../row.js';

/** What a training shows, beside the images of each class. */
interface Trained {
  /** The key of the training: `train`, `final` or `supernet`. */
  readonly at: 'train' | 'final' | 'supernet';
  readonly part: Part;
  readonly base: object;
}

const trained: readonly Trained[] = [
  { at: 'train', part: 'train', base: {} },
  { at: 'final', part: 'train', base: { final: { epochs: 5 } } },
  { at: 'supernet', part: 'supernet', base: { supernet: { epochs: 2, networks: 0 } } },
];

/** Keys that `supernet:` does not have. */
const notOfSupernets = ['precision', 'tuning_rate'];

const teacher = { type: 'train', network: 'mobilenet', width: 0.25, epochs: 1 };
const classes = { Trouser: 2 };

/** The keys of a training's schema, each as its key, its values, and what it needs beside it in the training. */
const keys: readonly (readonly [key: string, values: readonly unknown[], beside?: object])[] = [
  ['recipe', ['fast', 'plain']],
  ['epochs', [4, 5]],
  ['steps', [6, 12]],
  ['epoch_share', [1, 0.5]],
  ['batch', [16, 32]],
  ['schedule', ['cosine', 'linear', 'one-cycle', 'constant']],
  ['warmup_epochs', [0, 1]],
  ['final_learning_rate', [0, 0.1]],
  ['tuning_rate', [0.5, 1]],
  ['stem', ['whitened', 'trained']],
  ['class_weight', ['auto', classes]],
  ['class_sampling', ['natural', 'balanced']],
  ['ema', [0, 0.5]],
  ['checkpoint_seconds', [20, 0.001]],
  [
    'augment[].type',
    ['flip', 'crop', 'resized-crop', 'colour-jitter', 'rotation', 'trivial-augment', 'cutout', 'mixup', 'cutmix'],
  ],
  ['augment[](flip).vertical', [false, true]],
  ['augment[](crop).pixels', [1, 3]],
  [
    'augment[](resized-crop).area',
    [
      [0.3, 1],
      [0.6, 0.7],
    ],
  ],
  [
    'augment[](resized-crop).aspect',
    [
      [0.75, 1.33],
      [1, 1],
    ],
  ],
  ['augment[](colour-jitter).brightness', [0, 1]],
  ['augment[](colour-jitter).contrast', [0, 1]],
  ['augment[](colour-jitter).saturation', [0, 1]],
  ['augment[](rotation).degrees', [5, 90]],
  ['augment[](trivial-augment).strength', [0.2, 1]],
  ['augment[](cutout).size', [4, 12]],
  ['augment[](mixup).alpha', [0.2, 2]],
  ['augment[](cutmix).alpha', [0.2, 2]],
  ['loss.type', ['cross-entropy', 'kd', 'dkd']],
  ...(['cross-entropy', 'kd', 'dkd'] as const).flatMap((type) => [
    [`loss(${type}).label_smoothing`, [0, 0.2]] as const,
  ]),
  ...(['kd', 'dkd'] as const).flatMap((type) => [
    [`loss(${type}).temperature`, [1, 4]] as const,
    [`loss(${type}).alpha`, [0.2, 0.8]] as const,
  ]),
  ['loss(dkd).beta', [1, 4]],
  ['optimizer.type', ['sgd', 'muon', 'adamw']],
  ['optimizer(sgd).learning_rate', [0.1, 0.2]],
  ['optimizer(sgd).momentum', [0.5, 0.9]],
  ['optimizer(sgd).nesterov', [true, false]],
  ['optimizer(sgd).weight_decay', [0, 0.1]],
  ['optimizer(muon).learning_rate', [0.1, 0.8]],
  ['optimizer(muon).muon_rate', [0.1, 0.2]],
  ['optimizer(muon).momentum', [0.5, 0.9]],
  ['optimizer(muon).nesterov', [true, false]],
  ['optimizer(muon).muon_momentum', [0.5, 0.9]],
  ['optimizer(muon).iterations', [1, 3]],
  ['optimizer(muon).weight_decay', [0, 0.1]],
  ['optimizer(adamw).learning_rate', [0.001, 0.01]],
  ['optimizer(adamw).beta1', [0.5, 0.9]],
  ['optimizer(adamw).beta2', [0.5, 0.999]],
  ['optimizer(adamw).epsilon', [1e-7, 0.1]],
  ['optimizer(adamw).weight_decay', [0, 0.5]],
];

/** The keys of `train:`, `final:` and `supernet:` that describe one training. */
export const trainingRows = (): Row[] =>
  trained.flatMap(({ at, part, base }) =>
    keys
      .filter(([key]) => at !== 'supernet' || !notOfSupernets.includes(key))
      .map(([key, values, beside = {}]) => {
        const needsTeacher = key.startsWith('loss');
        const own = { ...(base as Readonly<Record<string, object>>)[at], ...beside };
        return row(`${at}.${key}`, values, part, {
          ...base,
          [at]: own,
          ...(needsTeacher && { teacher }),
        });
      }),
  );

/** The keys of `supernet:` and `final:` alone. @param runs two runs with a trained supernet */
export const furtherRows = (runs: readonly [string, string]): Row[] => {
  const supernet = { supernet: { epochs: 2 } };
  return [
    row('supernet.from', runs, 'train', {}),
    row('supernet.networks', [1, 2], 'supernet', supernet),
    row('supernet.hold', [1, 16], 'supernet', supernet),
    row('supernet.sampling', ['uniform', 'macs'], 'supernet', supernet),
    row('supernet.calibration', [64, 128], 'member', { ...supernet, search: { evaluate: 'supernet' } }),
    row('final', ['none', { epochs: 5 }], 'finals'),
    row('final.from', ['nothing', 'supernet'], 'train', { ...supernet, final: { epochs: 5 } }),
    row('final.teacher', ['frontier', 'none'], 'teacher', { final: { epochs: 5 }, search: { trials: 6, parallel: 1 } }),
    row('final.folds', [2, 3], 'train', { final: { epochs: 5 } }),
    row('search.evaluate', ['train', 'inherit', 'supernet'], 'outcomes', {
      ...supernet,
      final: { from: 'supernet', epochs: 5 },
    }),
  ];
};
