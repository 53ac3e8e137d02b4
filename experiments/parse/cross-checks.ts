import { controllerTitle, rungsOf, type Objective } from '../../search/index.js';
import { isPlaced, renderingOf, type SingleTeacher, type TrainConfig, unsuitedKeys } from '../../trainers/index.js';
import type { Experiment, TrainingExperiment } from '../schema/experiment.js';
import { measureNamed, moments, taskOf } from '../schema/measures.js';
import { epochsOf, isOwnSupernet, isTrainingExperiment } from '../schema/run-experiment.js';
import { pathText } from './problem.js';
import { mapChecks } from './map-checks.js';
import {
  type Check,
  compressChecks,
  type Contradiction,
  evaluationChecks,
  type TrainingCheck,
  when,
  workerChecks,
} from './conditional-checks.js';

const schedules = ({
  train,
  supernet,
  final,
}: TrainingExperiment): readonly { readonly key: string; readonly config: TrainConfig }[] => [
  { key: 'train', config: train },
  ...(supernet === undefined || !isOwnSupernet(supernet) ? [] : [{ key: 'supernet', config: supernet }]),
  ...(final === null ? [] : [{ key: 'final', config: final }]),
];

const uniqueObjectives: Check = ({ objectives }) =>
  objectives.flatMap(({ name }, i) => {
    const first = objectives.findIndex((other) => other.name === name);
    return when(first < i, ['objectives', i], `'${name}' is an objective twice; objectives.${first} has it already`);
  });

/** Earliest first. */
const costs: readonly Objective['cost'][] = ['cheap', 'untrained', 'expensive'];

const objectiveCosts: TrainingCheck = ({ objectives }) =>
  objectives.flatMap(({ name, cost }, i) => {
    const { known, cost: natural } = moments[measureNamed(name)?.source.kind ?? 'training'];
    const message = `got "${cost}"; ${name} is known only ${known}: expected ${natural} (or leave cost out)`;
    return when(costs.indexOf(cost) < costs.indexOf(natural), ['objectives', i, 'cost'], message);
  });

const objectiveDirections: TrainingCheck = ({ objectives }) =>
  objectives.flatMap(({ name, direction }, i) => {
    const natural = measureNamed(name)?.direction ?? direction;
    const good = natural === 'maximize' ? 'high' : 'low';
    const message = `got "${direction}"; a good ${name} is ${good}: expected ${natural} (or leave direction out)`;
    return when(direction !== natural, ['objectives', i, 'direction'], message);
  });

const emptyConstraints: Check = ({ objectives }) =>
  objectives.flatMap(({ constraint: { min = -Infinity, max = Infinity } = {} }, i) =>
    when(min > max, ['objectives', i, 'constraint'], `min ${min} is above max ${max}: nothing can satisfy both`),
  );

const constraints: TrainingCheck = ({ objectives }) =>
  objectives.flatMap(({ name, constraint = {} }, i) => {
    const unit = measureNamed(name)?.unit ?? 'score';
    const { max = Infinity } = constraint;
    const path = ['objectives', i, 'constraint'];
    const bounds: [string, number | undefined][] = [
      ['min', constraint.min],
      ['max', constraint.max],
    ];
    const shares = bounds.flatMap(([key, bound = 0]) => {
      const meant = bound > 1 && bound <= 100 ? `; did you mean ${bound / 100}?` : '';
      const message = `got ${bound}; ${name} is a share: expected a number from 0 to 1${meant}`;
      return when(unit === 'share' && !(bound >= 0 && bound <= 1), [...path, key], message);
    });
    const negative = when(
      unit !== 'share' && unit !== 'score' && max <= 0,
      [...path, 'max'],
      `got ${max}; ${name} is always above 0`,
    );
    return [...shares, ...negative];
  });

const teacherForLoss: TrainingCheck = (experiment) => {
  const { teacher } = experiment;
  return schedules(experiment).flatMap(({ key, config: { loss } }) => {
    if (loss === undefined || loss.type === 'cross-entropy') return [];
    const distils = `got "${loss.type}"; distillation needs a teacher: add one (teacher: train), or use cross-entropy`;
    return when(teacher.type === 'none', [key, 'loss', 'type'], distils);
  });
};

/** Images without labels need a teacher that answers, and students that learn the answers. */
const unlabelledImages: TrainingCheck = (experiment) => {
  const { data, teacher } = experiment;
  if (isPlaced(data) || data.unlabelled === undefined) return [];
  const path = ['data', 'unlabelled'];
  const task = taskOf(data);
  const distils = schedules(experiment).some(
    ({ config: { loss } }) => loss !== undefined && loss.type !== 'cross-entropy',
  );
  const got = `got "${data.unlabelled}"`;
  return [
    ...when(
      teacher.type === 'none',
      path,
      `${got}; images without labels are learned from a teacher's answers: add one (teacher: {type: train}), or leave unlabelled out`,
    ),
    ...when(
      teacher.type !== 'none' && !distils,
      path,
      `${got}; with cross-entropy nothing learns the teacher's answers: expected train.loss kd or dkd, or no unlabelled`,
    ),
    ...when(task !== 'classification', path, `${got}; data.task is ${task}: unlabelled is for classification`),
  ];
};

/** Classification needs two classes, multi-label data one label, and numbers have columns. */
const listedClasses: TrainingCheck = ({ data }) => {
  if (data.type !== 'list' || data.classes === undefined) return [];
  const task = taskOf(data);
  const path = ['data', 'classes'];
  return [
    ...when(task === 'classification' && data.classes.length < 2, path, 'got one class; expected at least two'),
    ...when(task === 'regression', path, 'data.task is regression: expected none; data.label lists the columns'),
  ];
};

/** Classes have settings that labels and numbers do not. */
const taskSettings: TrainingCheck = (experiment) => {
  const task = taskOf(experiment.data);
  const seen = new Set<string>();
  return schedules(experiment).flatMap(({ key, config }) =>
    unsuitedKeys(task, config).flatMap(([path, why]) => {
      // `supernet` and `final` take the keys of `train`.
      if (seen.has(path.join('.'))) return [];
      seen.add(path.join('.'));
      const data = isPlaced(experiment.data) ? `the data has ${experiment.data.type}` : `data.task is ${task}`;
      return [{ path: [key, ...path], message: `${why}; ${data}: expected none` }];
    }),
  );
};

const warmup: TrainingCheck = (experiment) =>
  schedules(experiment).flatMap(({ key, config: { warmup_epochs, epochs } }) =>
    when(
      warmup_epochs > epochs,
      [key, 'warmup_epochs'],
      `got ${warmup_epochs}; the whole training has ${epochs} epochs: expected at most ${epochs}`,
    ),
  );

const augmentation: TrainingCheck = (experiment) => {
  const [height, width] = renderingOf(experiment.data).size;
  const size = Math.min(height, width);
  return schedules(experiment).flatMap(({ key, config: { augment } }) =>
    augment.flatMap((step, i) => {
      const tooLarge = (name: string, pixels = 0): readonly Contradiction[] =>
        when(
          pixels >= size,
          [key, 'augment', i, name],
          `got ${pixels}; the images have ${height} x ${width} pixels: expected less than ${size}`,
        );
      if (step.type === 'crop') return tooLarge('pixels', step.pixels);
      return step.type === 'cutout' ? tooLarge('size', step.size) : [];
    }),
  );
};

const teacherNormalisation: TrainingCheck = ({ teacher, data }) => {
  const { channels } = renderingOf(data);
  if (teacher.type === 'none') return [];
  return teacher.type === 'average'
    ? teacher.of.flatMap((one, i) => normalisationOf(one, channels, ['teacher', 'of', i]))
    : normalisationOf(teacher, channels, ['teacher']);
};

function normalisationOf(teacher: SingleTeacher, channels: number, at: Contradiction['path']): Contradiction[] {
  if (teacher.type === 'train') return [];
  const { normalisation } = teacher;
  const lengths = (['mean', 'std'] as const).flatMap((key) => {
    const values = teacher[key];
    const count = typeof values === 'object' ? values.length : channels;
    return when(
      count !== 1 && count !== channels,
      [...at, key],
      `got ${count} numbers; expected one for each of the ${channels} channels, or one for all`,
    );
  });
  const path = [...at, 'normalisation'];
  const got = `got "${normalisation ?? ''}"`;
  return [
    ...lengths,
    ...when(
      normalisation !== undefined && (teacher.mean ?? teacher.std) !== undefined,
      path,
      `${got} beside teacher.mean or teacher.std: expected one of both`,
    ),
    ...when(
      normalisation === 'imagenet' && channels !== 3,
      path,
      `${got}, which has three channels, and the images have ${channels}: expected data, or teacher.mean and teacher.std`,
    ),
  ];
}

/** Multi-fidelity search needs rungs below the full training. */
const rungs: Check = (experiment) => {
  const { fidelity } = experiment.search;
  if (fidelity.type === 'none') return [];
  const path = ['search', 'fidelity', 'type'];
  // Tables have no epochs, and no fidelity.
  const epochs = epochsOf(experiment) ?? 1;
  if (isTrainingExperiment(experiment) && experiment.search.evaluate === 'supernet')
    return [
      { path, message: `got "${fidelity.type}"; with search.evaluate supernet nothing is trained: expected none` },
    ];
  const needs = 'eta' in fidelity ? 'a smaller eta or min_epochs' : 'a smaller min_epochs';
  const key = 'evaluate' in experiment && experiment.evaluate !== undefined ? 'evaluate' : 'train';
  return when(
    rungsOf(fidelity, epochs).length === 1,
    path,
    `got "${fidelity.type}", which has no rung below the ${epochs} epochs of ${key}: expected more epochs, or ${needs}`,
  );
};

/** Controllers without a model learn nothing from earlier runs. */
const learnsFromEarlier: Check = ({ search }) =>
  when(
    search.from !== undefined && (search.controller === 'random' || search.controller === 'local'),
    ['search', 'from'],
    `the controller ${controllerTitle(search)} does not learn from runs: expected surrogate, or search.seed_from, which tries the frontier of a run`,
  );

const countedCore: TrainingCheck = ({ core }) =>
  when(
    core === null,
    ['constraints', 'board'],
    'QEMU cannot count the instructions of this board: expected another board, sram_kb and flash_kb instead (then Cortex-M4 counts), or another objective than instructions',
  );

const checks: readonly Check[] = [uniqueObjectives, emptyConstraints, rungs, learnsFromEarlier];

const trainingChecks: readonly TrainingCheck[] = [
  objectiveCosts,
  objectiveDirections,
  constraints,
  countedCore,
  teacherForLoss,
  unlabelledImages,
  listedClasses,
  taskSettings,
  warmup,
  augmentation,
  ...mapChecks,
  ...evaluationChecks,
  ...compressChecks,
  ...workerChecks,
  teacherNormalisation,
];

export function contradictions(experiment: Experiment): readonly Contradiction[] {
  const found = [
    ...checks.flatMap((check) => check(experiment)),
    ...(isTrainingExperiment(experiment) ? trainingChecks.flatMap((check) => check(experiment)) : []),
  ];
  // `final` inherits values of `train`: their contradictions are reported once, where they are written.
  const same = (a: Contradiction, b: Contradiction): boolean =>
    a.message === b.message && pathText(a.path.slice(1)) === pathText(b.path.slice(1));
  return found.filter((one, i) => found.findIndex((other) => same(one, other)) === i);
}
