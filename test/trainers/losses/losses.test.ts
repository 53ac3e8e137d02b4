import '@tensorflow/tfjs-backend-cpu';
// TF.js's gradients are registered with its layers.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { mean } from '../../../base/statistics.js';
import {
  binaryCrossEntropy,
  binaryDistillation,
  crossEntropy,
  decoupledDistillation,
  huberLoss,
  imageWeights,
  knowledgeDistillation,
  totalLoss,
} from '../../../trainers/losses/index.js';
import { checkClassWeight, classWeights, imagesPerClass } from '../../../trainers/losses/class-balance.js';
import { type Loss, lossFor, lossSchema, unsuitedKeys } from '../../../trainers/schema/loss.js';
import { finiteDifferences, gradient } from '../support/finite-differences.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const value = (f: () => tf.Tensor): number => tf.tidy(() => f().dataSync()[0]);
const softmax = (row: readonly number[]): number[] => {
  const e = row.map((x) => Math.exp(x - Math.max(...row)));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / total);
};
const kl = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, x, i) => sum + (x === 0 ? 0 : x * Math.log(x / (q[i] ?? NaN))), 0);

const labels = [
  [0, 1, 0, 0],
  [0.7, 0, 0, 0.3],
  [0, 0, 1, 0],
];
const student = [
  [0.2, -1, 0.5, 2],
  [1.5, 0.1, -0.4, 0.3],
  [-2, 0.3, 3, 1],
];
const teacher = [
  [0.1, 4, -1, 1],
  [2, -3, 0.5, 1],
  [0, 0.2, 1, 5],
];
const L = (): tf.Tensor2D => tf.tensor2d(labels);
const T = (): tf.Tensor2D => tf.tensor2d(teacher);
const S = (): tf.Tensor2D => tf.tensor2d(student);

describe('cross-entropy', () => {
  test.each([0, 0.1, 1])('is the mean over the batch of -sum y log p with smoothing %d', (smoothing) => {
    const expected = mean(
      student.map((row, i) => {
        const p = softmax(row);
        return -(labels[i] ?? []).reduce(
          (sum, y, c) => sum + ((1 - smoothing) * y + smoothing / 4) * Math.log(p[c] ?? 0),
          0,
        );
      }),
    );
    expect(value(() => crossEntropy(L(), S(), { smoothing }))).toBeCloseTo(expected, 5);
  });

  test('is finite for logits of any size', () => {
    expect(value(() => crossEntropy(tf.tensor2d([[1, 0]]), tf.tensor2d([[-2e4, 2e4]])))).toBeCloseTo(4e4, 0);
  });
});

/**
 * Numbers of PyTorch 2.6 in float64 for the batch above; the comments are its calls, with n = tensor([100, 10, 1000, 4000]), pi = n / n.sum(),
 * w = 0.01 / (1 - 0.99 ** n) and w = w / (w * pi).sum().
 */
describe('losses for classes of unequal size', () => {
  const counts = [100, 10, 1000, 4000];
  const weights = classWeights('auto', ['a', 'b', 'c', 'd'], counts);
  const loss = (config: object, own: Partial<Loss> = {}): number =>
    value(() =>
      totalLoss({ ...lossSchema.parse({ type: 'cross-entropy', ...config }), ...own } as Loss, {
        labels: L(),
        logits: S(),
        teacher: T(),
      }),
    );

  test.each<[string, number, object, Partial<Loss>]>([
    // F.cross_entropy(student, labels, weight=w)
    ['class weights', 11.80416828798599, {}, { classWeights: weights }],
    // F.cross_entropy(student, labels, weight=w, label_smoothing=.1)
    ['class weights and smoothing', 11.487770796065336, { label_smoothing: 0.1 }, { classWeights: weights }],
    // kl = 16 * F.kl_div(F.log_softmax(student / 4, 1), F.log_softmax(teacher / 4, 1), reduction='none', log_target=True).sum(1)
    // .7 * F.cross_entropy(student, labels, weight=w) + .3 * ((labels * w).sum(1) * kl).mean()
    ['distillation and class weights', 12.657984338616599, { type: 'kd', alpha: 0.3 }, { classWeights: weights }],
  ])('%s', (_name, expected, config, own) => {
    expect(Math.abs(loss(config, own) / expected - 1)).toBeLessThan(1e-5 / expected);
  });

  test('a decoupled teacher counts with the weight of the image', () => {
    const alone = (row: number): number =>
      value(() =>
        decoupledDistillation(tf.tensor2d([labels[row]]), tf.tensor2d([teacher[row]]), tf.tensor2d([student[row]]), {
          temperature: 2,
          alpha: 1,
          beta: 4,
        }),
      );
    const whole = value(() =>
      decoupledDistillation(L(), T(), S(), { temperature: 2, alpha: 1, beta: 4 }, tf.tensor1d([3, 0.5, 1])),
    );
    expect(whole).toBeCloseTo((3 * alone(0) + 0.5 * alone(1) + alone(2)) / 3, 5);
  });
});

describe('weights of classes', () => {
  const classes = ['cat', 'dog', 'fox'];

  test('auto follows the effective number of samples, with mean 1 over the images', () => {
    // (1 - beta) / (1 - beta ** n), divided by its mean over the images
    const found = classWeights('auto', ['a', 'b', 'c', 'd'], [100, 10, 1000, 4000]);
    [1.531697517497017, 10.155487991761001, 0.9710886121519241, 0.9710466890451911].forEach((weight, i) =>
      expect(found[i]).toBeCloseTo(weight, 9),
    );
    classWeights('auto', classes, [50, 50, 50]).forEach((weight) => expect(weight).toBeCloseTo(1, 12));
    // A class without training images.
    expect(classWeights('auto', classes, [50, 0, 50]).every(Number.isFinite)).toBe(true);
  });

  test('given weights are scaled alike; classes without a name weigh 1', () => {
    // 4 x 1 + 6 x 3 + 10 x 1 = 32 for 20 images
    expect(classWeights({ dog: 3 }, classes, [4, 6, 10])).toEqual([1 / 1.6, 3 / 1.6, 1 / 1.6]);
  });

  test('a name that is no class is refused with the nearest one', () => {
    expect(() => classWeights({ dogs: 3 }, classes, [4, 6, 10])).toThrow(
      'class_weight names "dogs", which is no class',
    );
    expect(() => checkClassWeight({ dogs: 3 }, classes)).toThrow(
      expect.objectContaining({ hint: 'Did you mean dog? The classes are cat, dog, fox.' }),
    );
    expect(() => checkClassWeight('auto', classes)).not.toThrow();
  });

  test('counts images by class', () => {
    expect(imagesPerClass(Uint16Array.of(2, 0, 2, 2), 4)).toEqual([1, 0, 3, 0]);
  });
});

describe('knowledge distillation', () => {
  test.each([1, 4])('is T^2 KL(teacher || student) at temperature %d', (t) => {
    const expected = mean(
      student.map(
        (row, i) => t * t * kl(softmax((teacher[i] ?? []).map((x) => x / t)), softmax(row.map((x) => x / t))),
      ),
    );
    expect(value(() => knowledgeDistillation(T(), S(), t))).toBeCloseTo(expected, 5);
  });

  test('is 0 when the student agrees up to a constant', () => {
    expect(value(() => knowledgeDistillation(T(), tf.add(T(), 3), 2))).toBeCloseTo(0, 5);
  });
});

describe('decoupled distillation', () => {
  const parts = (row: readonly number[], target: number, t: number): { binary: number[]; others: number[] } => {
    const p = softmax(row.map((x) => x / t))[target] ?? NaN;
    return { binary: [p, 1 - p], others: softmax(row.filter((_, c) => c !== target).map((x) => x / t)) };
  };

  test.each([1, 3])('is T^2 (alpha TCKD + beta NCKD) at temperature %d', (t) => {
    const targets = [1, 0, 2];
    const expected = mean(
      student.map((row, i) => {
        const s = parts(row, targets[i] ?? 0, t);
        const q = parts(teacher[i] ?? [], targets[i] ?? 0, t);
        return t * t * (0.5 * kl(q.binary, s.binary) + 3 * kl(q.others, s.others));
      }),
    );
    const config = { temperature: t, alpha: 0.5, beta: 3 };
    expect(value(() => decoupledDistillation(L(), T(), S(), config))).toBeCloseTo(expected, 4);
  });

  test('stays finite when the teacher is certain', () => {
    const certain = (): tf.Tensor2D => tf.tensor2d([[0, 200, -200]]);
    const config = { temperature: 1, alpha: 1, beta: 4 };
    const result = value(() =>
      decoupledDistillation(tf.tensor2d([[0, 1, 0]]), certain(), tf.tensor2d([[5, -5, 0]]), config),
    );
    expect(Number.isFinite(result)).toBe(true);
  });
});

describe('gradients agree with finite differences', () => {
  test.each<[string, (x: tf.Tensor2D) => tf.Tensor]>([
    ['cross-entropy', (x) => crossEntropy(L(), x, { smoothing: 0.1 })],
    ['kd', (x) => knowledgeDistillation(T(), x, 3)],
    ['dkd', (x) => decoupledDistillation(L(), T(), x, { temperature: 2, alpha: 1, beta: 4 })],
  ])('%s', (_name, loss) => {
    const expected = finiteDifferences(loss, student);
    gradient(loss, student).forEach((g, i) => expect(g).toBeCloseTo(expected[i] ?? NaN, 2.5));
  });
});

describe('the configured loss', () => {
  test('kd weighs cross-entropy and distillation', () => {
    const config = lossSchema.parse({ type: 'kd', alpha: 0.25, temperature: 2 });
    const actual = value(() => totalLoss(config, { labels: L(), logits: S(), teacher: T() }));
    const expected =
      0.75 * value(() => crossEntropy(L(), S())) + 0.25 * value(() => knowledgeDistillation(T(), S(), 2));
    expect(actual).toBeCloseTo(expected, 5);
  });

  test('dkd adds to the whole cross-entropy', () => {
    const config = lossSchema.parse({ type: 'dkd', label_smoothing: 0.1 });
    const actual = value(() => totalLoss(config, { labels: L(), logits: S(), teacher: T() }));
    const expected =
      value(() => crossEntropy(L(), S(), { smoothing: 0.1 })) +
      value(() => decoupledDistillation(L(), T(), S(), { temperature: 4, alpha: 1, beta: 4 }));
    expect(actual).toBeCloseTo(expected, 5);
  });

  test('is distillation with a teacher, cross-entropy without', () => {
    expect(lossFor(undefined, { type: 'train' })).toMatchObject({ type: 'kd', temperature: 4 });
    expect(lossFor(undefined, { type: 'none' })).toEqual({ type: 'cross-entropy', label_smoothing: 0 });
  });

  test('is refused when the teacher cannot give what it needs', () => {
    expect(() => lossFor(lossSchema.parse({ type: 'dkd' }), { type: 'none' })).toThrow(/there is no teacher/);
  });
});

describe('the loss of a batch with images without labels', () => {
  /** The last image has no label. */
  const rows = [labels[0], labels[1], [0, 0, 0, 0]];
  const of = (config: object, own: Pick<Loss, 'classWeights'> = {}): Loss => ({
    ...lossSchema.parse(config),
    unlabelled: true,
    ...own,
  });
  const total = (loss: Loss, images: readonly number[], targets = rows): number =>
    value(() =>
      totalLoss(loss, {
        labels: tf.tensor2d(images.map((i) => targets[i])),
        logits: tf.tensor2d(images.map((i) => student[i])),
        teacher: tf.tensor2d(images.map((i) => teacher[i])),
      }),
    );
  const taught = value(() => knowledgeDistillation(tf.tensor2d([teacher[2]]), tf.tensor2d([student[2]]), 4));

  test.each<[string, object]>([
    ['plain', {}],
    ['smoothed', { label_smoothing: 0.2 }],
  ])('is the mean of the losses of labelled images and of the distillation of the others (%s)', (_, options) => {
    const config = { type: 'kd', alpha: 0.25, ...options };
    const labelled = total(lossSchema.parse(config), [0, 1]);
    expect(total(of(config), [0, 1, 2])).toBeCloseTo((2 * labelled + 0.25 * taught) / 3, 5);
    expect(total(of(config), [2])).toBeCloseTo(0.25 * taught, 5);
  });

  test('is the usual loss when all have labels', () => {
    for (const config of [{ type: 'kd', label_smoothing: 0.1 }, { type: 'dkd' }])
      expect(total(of(config), [0, 1, 2], labels)).toBeCloseTo(total(lossSchema.parse(config), [0, 1, 2], labels), 5);
  });

  test('decouples the distillation at the class that the teacher answers', () => {
    // The teacher is surest of the last class.
    const target = tf.tensor2d([[0, 0, 0, 1]]);
    const expected = value(() =>
      decoupledDistillation(target, tf.tensor2d([teacher[2]]), tf.tensor2d([student[2]]), {
        temperature: 4,
        alpha: 1,
        beta: 4,
      }),
    );
    expect(total(of({ type: 'dkd' }), [2])).toBeCloseTo(expected, 4);
  });

  test('gives images without a label the weight 1', () => {
    const weights = imageWeights(of({ type: 'kd' }, { classWeights: [3, 2, 0.5, 1] }), tf.tensor2d(rows));
    const [first, second, last] = weights?.dataSync() ?? [];
    expect([first, second, last].map((x) => x.toFixed(3))).toEqual(['2.000', '2.400', '1.000']);
  });
});

/** The expected numbers are PyTorch's in float64; the comments are its calls. */
describe('losses of labels', () => {
  const labelled = { task: 'multi-label' } as Loss;

  test('binary cross-entropy, with smoothing', () => {
    // F.binary_cross_entropy_with_logits(student, labels); the same with labels * 0.9 + 0.05
    expect(value(() => binaryCrossEntropy(L(), S()))).toBeCloseTo(0.8523931901375968, 6);
    expect(value(() => binaryCrossEntropy(L(), S(), 0.1))).toBeCloseTo(0.8556431901375966, 6);
  });

  test('distillation is the divergence of each label, and soft labels count as labels', () => {
    // pt, ps = sigmoid(teacher / 4), sigmoid(student / 4); 16 * (pt log(pt / ps) + (1 - pt) log((1 - pt) / (1 - ps))).mean()
    expect(value(() => binaryDistillation(T(), S(), 4, null))).toBeCloseTo(0.594656700862108, 5);
    expect(value(() => binaryDistillation(T(), T(), 4, null))).toBeCloseTo(0, 6);
    const config = { ...lossSchema.parse({ type: 'kd', alpha: 0.25 }), ...labelled, type: 'kd' } as Loss;
    const total = value(() => totalLoss(config, { labels: L(), logits: S(), teacher: T() }));
    expect(total).toBeCloseTo(0.75 * 0.8523931901375968 + 0.25 * 0.594656700862108, 5);
  });
});

describe('losses of numbers', () => {
  test('are those of Huber, also for a teacher', () => {
    // F.huber_loss(student, teacher)
    expect(value(() => huberLoss(T(), S()))).toBeCloseTo(1.3237500000000002, 5);
    const config = { ...lossSchema.parse({ type: 'kd', alpha: 1 }), task: 'regression' } as Loss;
    const total = value(() => totalLoss(config, { labels: L(), logits: S(), teacher: T() }));
    expect(total).toBeCloseTo(1.3237500000000002, 5);
  });
});

test('options of classes do not suit other tasks', () => {
  const loss = lossSchema.parse({ type: 'dkd', label_smoothing: 0.1 });
  const paths = (task: 'classification' | 'multi-label' | 'regression') =>
    unsuitedKeys(task, { loss, class_weight: 'auto', class_sampling: 'balanced' }).map(([path]) => path.join('.'));
  const ofClasses = ['class_weight', 'class_sampling'];
  expect(paths('classification')).toEqual([]);
  expect(paths('multi-label')).toEqual([...ofClasses, 'loss.type']);
  expect(paths('regression')).toEqual([...ofClasses, 'loss.label_smoothing', 'loss.type']);
});
