import { row, type Row } from '../row.js';

export interface OtherFiles {
  /** Two files of weights for `train.from`. */
  readonly weights: readonly [string, string];
  /** Two modules of `evaluate`. */
  readonly evaluators: readonly [string, string];
  /** Two files with a column `ms` and `other` for each network of the space. */
  readonly latencies: readonly [string, string];
  /** Two latency models. */
  readonly models: readonly [string, string];
  /** Two runs that measured latency. */
  readonly runs: readonly [string, string];
  /** Two ONNX files of classifiers, and two folders of TF.js layers models. */
  readonly onnx: readonly [string, string];
  readonly layers: readonly [string, string];
  /** Two latency models of int8 networks. */
  readonly int8Models: readonly [string, string];
  /** Two empty folders. */
  readonly folders: readonly [string, string];
  /** Two folders of pictures. */
  readonly pictures: readonly [string, string];
  /** Two text files. */
  readonly texts: readonly [string, string];
}

/** A run that measures. */
const timed = { objectives: ['accuracy', 'latency_ms'] };

const device = (type: string, beside: object = {}): object => ({ latency: { device: { type, ...beside } } });

const deviceRows = ({ latencies, texts }: OtherFiles): Row[] => {
  const of = (type: string, beside: object, keys: Readonly<Record<string, readonly unknown[]>>, more: object = {}) =>
    Object.entries(keys).map(([key, values]) =>
      row(`latency.device(${type}).${key}`, values, 'measure', { ...device(type, beside), ...more }),
    );
  const queue = { workers: { type: 'queue', url: 'redis://10.0.0.5', tag: 'a', mixed: true } };
  const table = { file: latencies[0], column: 'ms' };
  return [
    row(
      'latency.device.type',
      [
        { type: 'local' },
        { type: 'browser' },
        { type: 'agent', url: 'http://10.0.0.5:7700' },
        { type: 'table', ...table },
        { type: 'worker', tag: 'pi' },
        { type: 'serial', port: '/dev/ttyACM0' },
      ],
      'measure',
      queue,
    ),
    ...of('local', {}, { threads: [1, 2], batch: [1, 8], precision: ['fp32', undefined] }),
    // Another provider than cpu needs a graphics card.
    row('latency.device(local).provider', ['cpu', 'npu'], 'refused'),
    ...of('browser', {}, { threads: [1, 2], batch: [1, 8], provider: ['wasm', 'webgpu'], executable: texts }),
    ...of(
      'agent',
      { url: 'http://10.0.0.5:7700' },
      {
        url: ['http://10.0.0.5:7700', 'http://10.0.0.6:7700'],
        token_file: texts,
        patience_s: [10, 60],
      },
    ),
    ...of(
      'serial',
      { port: '/dev/ttyACM0' },
      {
        port: ['/dev/ttyACM0', '/dev/ttyACM1'],
        baud: [9600, 115_200],
        build: ['make', 'make all'],
        flash: ['make flash', 'flash'],
        board: ['a', 'b'],
        silence_s: [10, 30],
      },
      { compress: { int8: 'require' } },
    ),
    ...of('table', table, { file: latencies, column: ['ms', 'other'], missing: ['predict', 'fail'] }),
    ...of(
      'worker',
      { tag: 'pi' },
      {
        tag: ['pi', 'phone'],
        threads: [1, 2],
        batch: [1, 8],
        precision: ['fp32', undefined],
        provider: ['cpu', 'cuda'],
      },
      queue,
    ),
    row('latency.budget_ms', [100, 0.9], 'outcomes', {}),
  ];
};

const latencyRows = ({ models, int8Models, runs }: OtherFiles): Row[] => [
  row('latency.calibration', [4, 6], 'measure'),
  row('latency.predictor', ['auto', 'none'], 'measure'),
  row('latency.predictor.fp32', models, 'predicted', { latency: { predictor: {} } }),
  row('latency.predictor.int8', int8Models, 'predicted', {
    latency: { predictor: { fp32: models[0] } },
    compress: { int8: 'auto' },
  }),
  row('latency.from', runs, 'outcomes', {}),
];

/** Names of the classes of the data. */
const names: readonly string[] = 'T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot'.split(
  ',',
);

const teacherKeys = ({ onnx, layers }: OtherFiles) => ({
  train: {
    network: ['resnet', 'mobilenet', 'pooled'],
    width: [0.5, 1],
    epochs: [1, 2],
    minutes: [0.02, 0.1],
    batch: [16, 32],
    learning_rate: [0.1, 0.2],
  },
  file: {
    path: [...onnx, ...layers],
    layout: ['NHWC', 'NCHW'],
    normalisation: ['imagenet', 'data'],
    mean: [[0], [0.5]],
    std: [[1], [0.5]],
    classes: [names, names.toReversed()],
    adapt: ['none', 'head', 'all'],
    epochs: [1, 2],
    freeze: [['a'], ['b']],
    features: ['a', 'b'],
    size: [32, 40],
  },
});

/** Needed beside a key of a teacher that is a file. */
const adapts: Readonly<Record<string, object>> = {
  epochs: { adapt: 'all' },
  freeze: { adapt: 'all' },
  features: { adapt: 'head' },
  size: { adapt: 'head' },
  mean: { std: [1] },
  std: { mean: [0] },
};

/** Keys of a teacher that is an ONNX file, which reads grey images as NHWC: a run with the other value is refused before it stores anything. */
const mustFit = ['layout', 'normalisation'];

function teacherRows(files: OtherFiles): Row[] {
  const complete = (type: keyof ReturnType<typeof teacherKeys>): object => ({
    type,
    ...(type === 'train' ? { epochs: 1 } : { path: files.onnx[0] }),
  });
  const types = Object.entries(teacherKeys(files)) as [
    keyof ReturnType<typeof teacherKeys>,
    Readonly<Record<string, readonly unknown[]>>,
  ][];
  return [
    row(
      'teacher.type',
      ['none', 'train', complete('file'), { type: 'average', of: [complete('train'), complete('file')] }],
      'teacher',
    ),
    row(
      'teacher(average).of[].type',
      types.map(([type]) => complete(type)),
      'teacher',
      { teacher: { type: 'average', of: [{ type: 'train' }, complete('train')] } },
    ),
    ...types.flatMap(([type, keys]) =>
      Object.entries(keys).flatMap(([key, values]) => {
        // Minutes choose the epochs.
        const beside = key === 'minutes' ? { type } : { ...complete(type), ...(type === 'train' ? {} : adapts[key]) };
        const part = mustFit.includes(key) ? 'refused' : 'teacher';
        return [
          row(`teacher(${type}).${key}`, values, part, { teacher: beside }),
          row(`teacher(average).of[](${type}).${key}`, values, part, {
            teacher: { type: 'average', of: [beside, complete('train')] },
          }),
        ];
      }),
    ),
  ];
}

const queue = { workers: { type: 'queue', url: 'redis://10.0.0.5' } };

const queueRows = ({ texts }: OtherFiles): Row[] => [
  row('workers.type', [{ type: 'pool' }, queue.workers], 'workers'),
  row('workers(queue).url', ['redis://10.0.0.5', 'redis://10.0.0.6'], 'workers'),
  row('workers(queue).user', ['a', 'b'], 'workers', { workers: { ...queue.workers, password_file: texts[0] } }),
  row('workers(queue).password_file', texts, 'workers', queue),
  row('workers(queue).ca_file', texts, 'workers', queue),
  row('workers(queue).prefix', ['nas', 'other'], 'workers', queue),
  row('workers(queue).insecure', [false, true], 'workers', queue),
  row('workers(queue).tag', [undefined, 'a'], 'workers', queue),
  row('workers(queue).mixed', [false, true], 'workers', queue),
  row('workers(queue).artifacts.listen', ['0.0.0.0:7710', '0.0.0.0:7711'], 'workers', queue),
  row('workers(queue).artifacts.url', ['http://a.example', 'http://b.example'], 'workers', queue),
];

const cards = { workers: { type: 'queue', url: 'redis://10.0.0.5', tag: 'gpu', mixed: true } };

const engineRows = (): Row[] => [
  row('engine.type', ['compiled', 'native'], 'train', { engine: { provider: null } }),
  row('engine.provider', ['cpu', 'cuda'], 'train', cards),
  row('engine.device', [0, 1], 'train', { ...cards, engine: { provider: 'cuda' } }),
  row('engine.threads', [1, 2], 'train'),
];

const objective = (name: string, beside: object = {}) => ({
  objectives: [{ name, ...beside }, { name: 'latency_ms' }],
});

const objectiveRows = (): Row[] => [
  row('objectives[].name', ['macs', 'accuracy'], 'frontier', objective('macs')),
  row('objectives[].direction', ['minimize', 'maximize'], 'refused', objective('macs')),
  row('objectives[].cost', [undefined, 'expensive'], 'asked', {
    objectives: [{ name: 'macs' }, { name: 'accuracy' }],
    search: { controller: 'surrogate', trials: 14 },
  }),
  row('objectives[].constraint.min', [0, 100_000], 'asked', objective('macs')),
  row('objectives[].constraint.max', [1_000_000, 100_000], 'asked', objective('macs')),
];

const int8 = { ...timed, compress: { int8: 'auto' } };

export const otherRows = (files: OtherFiles): Row[] => [
  row('name', ['one', 'other'], 'export', { final: { epochs: 5 } }),
  row('seed', [1, 2], 'asked'),
  row('train.from', files.weights, 'initial'),
  ...[...deviceRows(files), ...latencyRows(files)].map((one) => ({ ...one, base: { ...timed, ...one.base } })),
  ...teacherRows(files),
  ...queueRows(files),
  ...engineRows(),
  ...objectiveRows(),
  row('constraints.board', ['stm32f103c8', 'stm32f746ng'], 'asked', { space: { width: [1, 4] } }),
  row('constraints.sram_kb', [4.5, 1000], 'asked'),
  row('constraints.flash_kb', [8, 1000], 'asked'),
  row('compress.int8', ['off', 'auto', 'require'], 'measure', timed),
  row('compress.max_accuracy_drop', [0, 1], 'outcomes', int8),
  row('compress.min_speedup', [1.05, 2], 'outcomes', int8),
  row('compress.calibration.images', [16, 32], 'quantize', int8),
  row('compress.calibration.methods', [['minmax'], ['percentile']], 'quantize', int8),
  row('compress.calibration.percentile', [99, 100], 'quantize', int8),
  row('search.retries', [0, 3], 'pool'),
  row('budget.minutes', [10, 20], 'resolved'),
  row('evaluate.path', files.evaluators, 'evaluate', { evaluate: { type: 'module' } }),
  row('evaluate.epochs', [1, 4], 'evaluate', { evaluate: { type: 'module', path: files.evaluators[0] } }),
  ...ownObjectiveRows(files),
];

const ownObjectiveRows = ({ evaluators: [path] }: OtherFiles): Row[] => {
  const objectives = [{ name: 'own', direction: 'minimize' }];
  const of = (key: string, values: readonly unknown[]) =>
    row(`evaluate.objectives[].${key}`, values, 'frontier', { evaluate: { type: 'module', path, objectives } });
  return [
    of('name', ['own', 'other']),
    of('direction', ['minimize', 'maximize']),
    of('constraint.min', [0, 0.5]),
    of('constraint.max', [0.5, 1]),
  ];
};
