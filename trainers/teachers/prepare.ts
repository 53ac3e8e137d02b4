import { cacheDirectory, writeFileAtomic } from '../../base/files.js';
import { countsOf } from '../../base/group.js';
import { mainScores, scoreText } from '../../base/scores.js';
import { type LearningTask, isMapTask } from '../../base/task.js';
import type { Augmentation } from '../data/augment/schema.js';
import { createLoader, type Dataset, epochImages, LogitsWriter, type Split, withDataset } from '../data/index.js';
import { averagedAnswers, averagedViews, lessons, meanOfRows } from '../data/lesson.js';
import { damageOf, type LogitsShape } from '../data/logits-file.js';
import { mapShape, mapValues } from '../data/teacher-map.js';
import { lossFor } from '../schema/loss.js';
import type { NetworkTeacher, SingleTeacher, Teacher, TeacherConfig } from '../schema/teacher.js';
import { fileTeacher, isAdapted } from './files.js';
import type { TeacherOptions, TeacherSource } from './source.js';
import { networkTeacher, trainedTeacher } from './trained.js';
import type { PreparedTeacher, TeacherLogits } from '../jobs.js';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { invalidInput, NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { counted } from '../../base/text.js';
import { mean } from '../../base/statistics.js';
import { outputKind, toTrained, type OpenClassifier, type OutputKind } from '../../compiler/index.js';
import { evaluateSplit } from '../evaluate.js';
import { makeOnce, trimCache } from '../make-once.js';
import { proceed } from '../proceed.js';
import { adaptedTeacher } from './adapted.js';

type Settled = TeacherOptions & { readonly cache: string };

function findTeacher(config: Teacher, dataset: Dataset, options: Settled): Promise<TeacherSource> {
  const { info } = dataset;
  switch (config.type) {
    case 'average':
      return averagedTeacher(config.of, dataset, options);
    case 'train':
      return trainedTeacher(config, info, options);
    case 'file':
      return isAdapted(config) ? adaptedTeacher(config, info, options) : fileTeacher(config, info, options);
    case 'network':
      return Promise.resolve(networkTeacher(config, options));
  }
}

/**
 * Finds or trains the teacher, checks that it knows the data's classes, and computes its answers to the images of the train
 * split and to the images without labels. Everything is cached by content; an interrupted training continues. Null when the configuration has no teacher.
 *
 * @throws NasError `invalid-input` when the teacher does not fit data or loss; `interrupted` when the hooks' signal is
 *   aborted; `failure` when the teacher's training diverges
 */
export async function prepareTeacher(
  config: TeacherConfig | NetworkTeacher,
  options: TeacherOptions,
): Promise<PreparedTeacher | null> {
  if (config.type === 'none') return null;
  const loss = lossFor(options.train.loss, config);
  const settled = { ...options, cache: options.cache ?? cacheDirectory() };
  removeEarlier(settled);
  return withDataset(options.dataset, async (dataset) => {
    const { info } = dataset;
    const source = await findTeacher(config, dataset, settled);
    const teacher = new TeacherRunner(source, dataset, settled);
    try {
      const { accuracy, outputs } = await teacher.evaluation();
      const logits = loss.type === 'cross-entropy' ? null : await teacher.logits(outputs);
      trimCache(settled.cache, 'teachers');
      return {
        type: config.type,
        name: source.name,
        hash: source.hash,
        accuracy,
        chance: chanceOn(dataset.split('validation'), info.task),
        normalisation: source.normalisation,
        classes: info.classes,
        logits,
      };
    } finally {
      await teacher.close();
    }
  });
}

/** Removes the logits of single views, which earlier versions cached and nothing reads. */
function removeEarlier({ cache, hooks }: Settled): void {
  const folder = join(cache, 'teachers');
  if (!existsSync(folder)) return;
  const files = readdirSync(folder).filter((name) => /^logits-[0-9a-f]+\.f32(\.part)?$/.test(name));
  if (files.length === 0) return;
  for (const name of files) rmSync(join(folder, name), { force: true });
  hooks?.onNote?.(
    `Removed ${counted(files.length, 'file')} of logits that an earlier version cached: students now see new views, and answers are computed again`,
  );
}

/**
 * The score of a network that does not look at the images: it answers with the most frequent class, with the mean, with a random ranking
 * of labels, or with no boxes. Of masks, it is taken as 0.
 */
function chanceOn({ labels, targets, count: images }: Split, { type }: LearningTask): PreparedTeacher['chance'] {
  if (type === 'regression' || isMapTask(type)) return { accuracy: 0, images };
  if (targets !== null) return { accuracy: mean(targets), images };
  return { accuracy: Math.max(...countsOf(labels).values()) / images, images };
}

/** Several teachers as one teacher, which answers with the mean of their answers (Lakshminarayanan et al. 2017). */
async function averagedTeacher(
  configs: readonly SingleTeacher[],
  dataset: Dataset,
  options: Settled,
): Promise<TeacherSource> {
  const { info } = dataset;
  const members: { readonly source: TeacherSource; readonly asTrained: (rows: Float32Array) => Float32Array }[] = [];
  for (const config of configs) {
    const source = await findTeacher(config, dataset, options);
    const runner = new TeacherRunner(source, dataset, options);
    try {
      const { accuracy, outputs } = await runner.evaluation();
      const { title } = mainScores[info.task.type];
      options.hooks?.onNote?.(`${source.name}: validation ${title} ${scoreText(info.task.type, accuracy)}`);
      members.push({ source, asTrained: runner.asTrained(outputs) });
    } finally {
      await runner.close();
    }
  }
  const [first, ...others] = members.map(({ source }) => source);
  const other = others.find(({ size, stride }) => String([size, stride]) !== String([first.size, first.stride]));
  if (other !== undefined) {
    const [own, wanted] = [other, first].map(
      ({ name, size, stride }) => `${name} ${size.join('x')}${stride === undefined ? '' : ` (stride ${stride})`}`,
    );
    throw invalidInput(`the teachers take images of other sizes: ${wanted}, ${own}`, {
      hint: 'Average teachers of one size.',
    });
  }
  return {
    name: `the mean of ${members.map(({ source }) => source.name).join(' and ')}`,
    hash: contentHash('average', ...members.map(({ source }) => source.hash)),
    accuracy: null,
    size: first.size,
    stride: first.stride,
    kind: 'logits',
    normalisation: null,
    async open() {
      const opened = await Promise.all(members.map(({ source }) => source.open()));
      return {
        async outputs(images, size) {
          const rows: Float32Array[] = [];
          for (const [i, { asTrained }] of members.entries())
            rows.push(asTrained(await opened[i].outputs(images, size)));
          return averagedAnswers(info.task.type, rows, info.classes.length);
        },
        close: async () => {
          await Promise.all(opened.map((one) => one.close()));
        },
      };
    },
  };
}

/** Images in each batch for a teacher. The images of detectors are large. */
const batchOf = ({ stride }: Pick<TeacherSource, 'stride'>): number => (stride === undefined ? 128 : 16);

const evaluationSchema = z.object({ accuracy: z.number(), outputs: z.enum(['logits', 'probabilities', 'numbers']) });
type TeacherEvaluation = z.output<typeof evaluationSchema>;

/** Runs a teacher over the data set; opens it on first use. */
class TeacherRunner {
  private opened: Promise<OpenClassifier> | null = null;

  constructor(
    private readonly source: TeacherSource,
    private readonly dataset: Dataset,
    private readonly options: TeacherOptions & { readonly cache: string },
  ) {}

  /** Accuracy on the validation split and kind of outputs; cached by content. */
  async evaluation(): Promise<TeacherEvaluation> {
    const { source, options, dataset } = this;
    if (source.accuracy !== null) return { accuracy: source.accuracy, outputs: 'logits' };
    const file = this.file('evaluation', '.json', source.hash, dataset.hashAt([source.size]));
    return makeOnce({
      path: file,
      name: `the evaluation of ${source.name} on the validation images`,
      find: () =>
        existsSync(file) ? (evaluationSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null) : null,
      make: async () => {
        const evaluation = await this.evaluate();
        writeFileAtomic(file, JSON.stringify(evaluation));
        return evaluation;
      },
      ...options.hooks,
    });
  }

  private async evaluate(): Promise<TeacherEvaluation> {
    const { dataset, source } = this;
    const { info } = dataset;
    const { size, stride } = source;
    const teacher = await this.open();
    let kind: OutputKind = 'probabilities';
    const { accuracy } = await evaluateSplit(
      async (images, count) => {
        await proceed(this.options.hooks ?? {}, "computing the teacher's logits");
        const rows = await teacher.outputs(images, count);
        if (outputKind[info.task.type](rows, info.classes.length) === 'logits') kind = 'logits';
        // The order of images and classes is the same before and after a logarithm.
        return this.asTrained('logits')(rows);
      },
      dataset,
      'validation',
      batchOf(source),
      { size, stride },
    );
    return { accuracy, outputs: source.kind ?? kind };
  }

  /** The answers to the training images, then to the unlabelled ones; cached by the content of teacher, data and views. */
  async logits(outputs: OutputKind): Promise<TeacherLogits> {
    const { source, options, dataset } = this;
    const lesson = lessons[dataset.info.task.type];
    const count = epochImages(dataset.info, true);
    const augment = lesson === 'mean' ? options.train.augment : [];
    const together = averagedViews(count, augment);
    const images = dataset.hashAt([source.size], true);
    const views = augment.length === 0 ? null : [augment, together, options.seed];
    const key = contentHash('answers', lesson, source.hash, images, views, outputs);
    const file = join(options.cache, 'teachers', `answers-${key.slice(0, 32)}.f32`);
    const { size, stride } = source;
    const own =
      stride === undefined
        ? { outputs: dataset.info.classes.length }
        : mapShape({ size, stride }, mapValues(dataset.info));
    const shape = { key, views: 1, count, ...own };
    await makeOnce({
      path: file,
      name: `the logits of ${source.name} for the training images`,
      find: () => this.isWhole(file, shape) || null,
      make: async () => {
        await this.writeLogits(outputs, { file, shape, augment, together });
        return true;
      },
      ...options.hooks,
    });
    return { file, key, ...(stride !== undefined && { map: { size, stride } }) };
  }

  /** Whether answers are cached. Damaged ones are removed. */
  private isWhole(file: string, shape: LogitsShape & { readonly key: string }): boolean {
    if (!existsSync(file)) return false;
    const damage = damageOf(file, shape);
    if (damage === null) return true;
    this.options.hooks?.onNote?.(`${damage}: they are computed again`);
    rmSync(file, { force: true });
    return false;
  }

  /** Converts the teacher's outputs to outputs as networks are trained; a network of ours gives no others. */
  asTrained(kind: OutputKind): (rows: Float32Array) => Float32Array {
    return this.source.normalisation === null ? (rows) => rows : toTrained(this.dataset.info.task, kind);
  }

  async close(): Promise<void> {
    await (await this.opened)?.close();
  }

  private file(kind: string, extension: string, ...content: readonly unknown[]): string {
    return join(this.options.cache, 'teachers', `${kind}-${contentHash(kind, ...content).slice(0, 32)}${extension}`);
  }

  private open(): Promise<OpenClassifier> {
    return (this.opened ??= this.source.open());
  }

  /** Writes the answers; complete parts of an earlier process are kept. */
  private async writeLogits(outputs: OutputKind, { file, shape, augment, together }: AnswersToWrite): Promise<void> {
    const { dataset, options, source } = this;
    const { seed, hooks = {} } = options;
    const teacher = await this.open();
    const batch = batchOf(source);
    const writer = new LogitsWriter(file, shape, batch / together);
    const loader = createLoader({
      dataset,
      split: 'train',
      unlabelled: true,
      batch,
      together,
      seed,
      augment,
      size: source.size,
    });
    try {
      for await (const { images, size } of loader.epoch(0, (writer.rows * together) / batch)) {
        await proceed(hooks, "computing the teacher's logits");
        const rows = this.asTrained(outputs)(await teacher.outputs(images, size));
        if (rows.some((x) => !Number.isFinite(x)))
          throw new NasError('failure', `the teacher ${source.name} gives logits that are not finite numbers`);
        writer.append(meanOfRows(rows, together, shape.outputs));
        hooks.onLogits?.(together * writer.rows, together * shape.count);
      }
      writer.finish();
    } finally {
      writer.close();
      await loader.close();
    }
  }
}

interface AnswersToWrite {
  readonly file: string;
  readonly shape: LogitsShape;
  readonly augment: Augmentation;
  /** Views of each image whose answers are averaged. */
  readonly together: number;
}
