import type { PixelScale } from '../../base/preprocess.js';
import { Random } from '../../base/random.js';
import { PlacedRenderer, visibleShare, type PlacedImage, type View } from './augment/box-view.js';
import type { Augmentation } from './augment/schema.js';
import { gridOf, targetValues, writeTargets } from './box-targets.js';
import { writeMaskTargets } from './mask-targets.js';
import { mixedAnswers } from './lesson.js';
import { openLogitsFile } from './logits-file.js';
import { mapShape, mapValues, writeMovedMap, type MapCells } from './teacher-map.js';
import { balancedPasses, repeatedPasses, joinedPass, naturalPass, sideBySide, type Pass } from './order.js';
import {
  pixelsAt,
  type SharedDataset,
  type Size,
  type Split,
  splitOf,
  type SplitName,
  withUnlabelled,
} from './splits.js';
import { Renderer } from './views.js';

/** The form in which a network takes images. */
export interface ImageForm {
  readonly size: Size;
  /** Of a detector or segmenter: pixels for each cell of its targets. */
  readonly stride?: number | undefined;
}

export const isSameForm = (a: ImageForm, b: ImageForm): boolean =>
  String(a.size) === String(b.size) && a.stride === b.stride;

/** A batch's images and labels in one form. Shapes are as in `Batch`. */
export interface FormedImages {
  readonly form: ImageForm;
  readonly images: Float32Array;
  readonly labels: Float32Array;
}

/** The input of one training step. */
export interface Batch {
  /** [size, height, width, channels]: (pixel / 255 - mean) / std per channel. */
  readonly images: Float32Array;
  /** The same views in the further forms that were asked for. */
  readonly others: readonly FormedImages[];
  /**
   * [size, outputs]: one-hot classes, 0 and 1 of labels, or scaled numbers; mixed by augmentation. 0 for images without labels. A
   * detector has [size, rows, columns, 5], as `writeTargets` says, and a segmenter [size, rows, columns, classes], as `writeMaskTargets`.
   */
  readonly labels: Float32Array;
  /** [size, outputs]: the teacher's logits of the images, mixed as these, or its maps, moved as these; `null` without a teacher. */
  readonly teacher: Float32Array | null;
  readonly size: number;
}

export interface LoaderOptions {
  /** Owned by the caller, who closes it after the loader. */
  readonly dataset: { readonly shared: SharedDataset };
  readonly split: SplitName;
  /** Whether passes over the training split also show the images without labels, after its positions; absent: no. */
  readonly unlabelled?: boolean | undefined;
  /** Images per batch. */
  readonly batch: number;
  /** Seed of the order and the views of images; absent: 0. */
  readonly seed?: number;
  /** Absent: images as they are. */
  readonly augment?: Augmentation | undefined;
  /** Number of views of each image that a pass shows one after the other, in the order of the split; absent: 1, a new one in each pass. */
  readonly together?: number | undefined;
  /** Whether each pass over the split has a random order; absent: the order of the split. */
  readonly shuffle?: boolean;
  /** Which images a pass shows (`train.class_sampling`); `balanced` has a random order of its own. Absent: natural. */
  readonly classSampling?: 'natural' | 'balanced' | undefined;
  /** Number of batches consumed at once, which are rendered ahead; absent: 1. */
  readonly atOnce?: number;
  /** Whether an incomplete last batch is dropped; absent: no. */
  readonly dropLast?: boolean;
  /** Share of a pass that makes an epoch, in (0, 1]; absent: 1. */
  readonly share?: number;
  /** Height and width that the network takes, in which the images were rendered; absent: the data's own. */
  readonly size?: Size | undefined;
  /** Normalisation that the network takes; absent: the data's own. */
  readonly scale?: PixelScale | undefined;
  /** Pixels for each cell of the targets of detection and segmentation; absent: images have no targets. */
  readonly stride?: number | undefined;
  /** The answers of a teacher; absent: there is none. */
  readonly answers?: AnswerFile | undefined;
}

/** A file of the answers of a teacher (`LogitsShape`). */
export interface AnswerFile {
  readonly file: string;
  /** Hash of everything that decides the answers. */
  readonly key: string;
  /** The cells of a detector or segmenter; absent: the teacher is none. */
  readonly map?: MapCells | undefined;
}

/** Number of batches in a pass over `count` images. */
const stepsPerPass = (
  count: number,
  { batch, together = 1, dropLast = false }: Pick<LoaderOptions, 'batch' | 'together' | 'dropLast'>,
): number => (dropLast ? Math.floor : Math.ceil)((count * together) / batch);

/** Number of batches in an epoch over `count` images. */
export function stepsPerEpoch(
  count: number,
  options: Pick<LoaderOptions, 'batch' | 'together' | 'dropLast' | 'share'>,
): number {
  const steps = stepsPerPass(count, options);
  return Math.min(steps, Math.max(1, Math.round((options.share ?? 1) * steps)));
}

/** The images that a loader shows. */
const shownImages = (
  shared: SharedDataset,
  { split, unlabelled, size }: Pick<LoaderOptions, 'split' | 'unlabelled' | 'size'>,
): Split => (unlabelled === true ? withUnlabelled(shared, size) : splitOf(shared, split, size));

/** Returns the batch of any (epoch, step), a pure function of the options, so that training can resume anywhere. */
export interface BatchSource {
  readonly stepsPerEpoch: number;
  /** @param others further forms of the same images */
  batch(epoch: number, step: number, others?: readonly ImageForm[]): Batch;
  close(): void;
}

/** Renders batches in this thread. */
export function openBatches(options: LoaderOptions): BatchSource {
  const { together = 1, seed = 0, shuffle = false, classSampling } = options;
  const { shared } = options.dataset;
  const { info } = shared;
  const { count, labels, boxed, targets } = shownImages(shared, options);
  const [steps, passSteps] = [stepsPerEpoch(count, options), stepsPerPass(count, options)];
  const renderers = new Map<string, RenderBatch>();
  const rendererOf = (form: Partial<ImageForm>): RenderBatch => {
    const key = `${form.size?.join('x')} ${form.stride}`;
    const renderer = renderers.get(key) ?? batchRenderer(shared, { ...options, ...form });
    renderers.set(key, renderer);
    return renderer;
  };
  const teacher = options.answers === undefined ? null : openAnswers(options.answers, count, options);
  const balancedOf = (): ((pass: number) => Pass) => {
    if (boxed === undefined) return balancedPasses(labels, info.classes.length, seed);
    // The classes of the boxes, or of the pixels of the mask.
    const outputs = info.classes.length;
    const classesOf = (position: number) =>
      new Set([...info.classes.keys()].filter((label) => targets?.[position * outputs + label] === 1));
    return repeatedPasses(
      Array.from({ length: count }, (_, position) => classesOf(position)),
      seed,
    );
  };
  const balanced = classSampling === 'balanced' ? balancedOf() : null;
  const passOf = (pass: number): Pass => {
    if (together > 1) return sideBySide(count, together);
    if (balanced === null) return naturalPass(count, seed, pass, shuffle);
    return labels.length < count ? joinedPass(balanced(pass), count, seed, pass) : balanced(pass);
  };
  let current: { readonly pass: number; readonly order: Pass } | undefined;
  return {
    stepsPerEpoch: steps,
    batch(epoch, step, others = []) {
      if (step < 0 || step >= steps) throw new RangeError(`step ${step} of an epoch of ${steps} steps`);
      // With a share below 1, an epoch continues where the last one ended.
      const position = epoch * steps + step;
      const pass = Math.floor(position / passSteps);
      const within = position % passSteps;
      if (current?.pass !== pass) current = { pass, order: passOf(pass) };
      const part = (all: Uint32Array) => all.subarray(within * options.batch, (within + 1) * options.batch);
      const positions = part(current.order.positions);
      const shown = part(current.order.views);
      const rendered = rendererOf(options)(positions, shown);
      return {
        images: rendered.images,
        labels: rendered.labels,
        others: others.map((form) => {
          const own = rendererOf(form)(positions, shown);
          return { form, images: own.images, labels: own.labels };
        }),
        teacher: teacher?.of(positions, rendered) ?? null,
        size: positions.length,
      };
    },
    close: () => teacher?.close(),
  };
}

/** The answers of a teacher to batches. */
interface Answers {
  /** [positions, outputs], mixed or moved as the images are. */
  of(positions: Uint32Array, rendered: Rendered): Float32Array;
  close(): void;
}

/** Opens the answers of a teacher. */
const openAnswers = (answers: AnswerFile, count: number, options: LoaderOptions): Answers =>
  answers.map === undefined ? openMeans(answers, count, options) : openMaps(answers, answers.map, count, options);

/** The mean answers to images. */
function openMeans({ file, key }: AnswerFile, count: number, { dataset: { shared } }: LoaderOptions): Answers {
  const { classes, task } = shared.info;
  const outputs = classes.length;
  const stored = openLogitsFile(file, { key, views: 1, count, outputs });
  const read = (positions: Uint32Array) => stored.read(new Uint32Array(positions.length), positions);
  const mix = mixedAnswers[task.type];
  return {
    of(positions, { mixtures }) {
      const answers = read(positions);
      for (const { partners, weights } of mixtures) {
        const others = read(partners);
        for (const [row, weight] of weights.entries()) {
          const [answer, other] = [answers, others].map((all) => all.subarray(row * outputs, (row + 1) * outputs));
          answer.set(mix([answer, other], [weight, 1 - weight]));
        }
      }
      return answers;
    },
    close: () => stored.close(),
  };
}

/** The maps of images as they are. They move into the cells of the targets, along with the images. */
function openMaps(
  { file, key }: AnswerFile,
  own: MapCells,
  count: number,
  { dataset: { shared }, augment = [], size, stride }: LoaderOptions,
): Answers {
  if (stride === undefined) throw new Error('the maps of a teacher need the stride of the targets');
  const values = mapValues(shared.info);
  const stored = openLogitsFile(file, { key, views: 1, count, ...mapShape(own, values) });
  const wanted = { size: pixelsAt(shared, size).size, stride };
  const { outputs } = mapShape(wanted, values);
  const visible = visibleShare(augment);
  return {
    of(positions, { shown }) {
      const result = new Float32Array(positions.length * outputs);
      for (const [row, places] of shown.entries()) {
        const maps = places.map(({ position, ...place }) => ({ ...place, map: stored.read([0], [position]) }));
        writeMovedMap(maps, own, wanted, { ...values, visible }, result.subarray(row * outputs, (row + 1) * outputs));
      }
      return result;
    },
    close: () => stored.close(),
  };
}

/** How the images of a batch were mixed with others. */
interface Mixture {
  /** The position of each image's partner. */
  readonly partners: Uint32Array;
  /** The share of each image in its mixture. */
  readonly weights: Float64Array;
}

interface Rendered extends Pick<Batch, 'images' | 'labels'> {
  /** One for each step that mixes. */
  readonly mixtures: readonly Mixture[];
  /** Of images with boxes or masks: where each view shows its images. */
  readonly shown: readonly View['shown'][];
}

type RenderBatch = (positions: Uint32Array, views: Uint32Array) => Rendered;

/**
 * Renders a view of the images at some positions in one size. A view is a pure function of (seed, view, position); its
 * labels do not depend on the size.
 */
function batchRenderer(shared: SharedDataset, options: LoaderOptions): RenderBatch {
  if (shared.boxes !== undefined) return placedRenderer(shared, options);
  const { augment = [], seed = 0, batch, size, scale } = options;
  const { info } = shared;
  const split = shownImages(shared, options);
  const [height, width] = pixelsAt(shared, size).size;
  const { channels } = info;
  const pixels = height * width * channels;
  const isOwnSize = height === info.height && width === info.width;
  const shape = { height, width, channels, ...(isOwnSize ? {} : { drawnIn: info }) };
  const renderer = new Renderer(shape, scale ?? info, augment);
  const classes = info.classes.length;
  const originals = new Uint8Array(batch * pixels);
  const partner = new Float32Array(pixels);
  const target = targetWriter(split, classes);
  const still = new Random(0);
  const streamOf = (view: number, position: number): Random =>
    augment.length === 0 ? still : new Random(seed, 'view', view, position);

  return (positions, views) => {
    const images = new Float32Array(positions.length * pixels);
    const labels = new Float32Array(positions.length * classes);
    split.read(positions, originals);
    for (const [row, position] of positions.entries()) {
      renderer.render(originals, row * pixels, images, row * pixels, streamOf(views[row], position));
      target(position, labels.subarray(row * classes, (row + 1) * classes), 1);
    }
    const mixtures = renderer.mixing.map(({ mix }, number) => {
      const streams = Array.from(positions, (position, row) => new Random(seed, 'mix', number, views[row], position));
      const partners = Uint32Array.from(streams, (random) => random.int(split.count));
      const weights = new Float64Array(positions.length);
      split.read(partners, originals);
      for (const [row, position] of partners.entries()) {
        renderer.render(originals, row * pixels, partner, 0, streams[row]);
        const weight = mix(images.subarray(row * pixels, (row + 1) * pixels), partner, streams[row]);
        weights[row] = weight;
        const mixed = labels.subarray(row * classes, (row + 1) * classes);
        for (const [c, value] of mixed.entries()) mixed[c] = weight * value;
        target(position, mixed, 1 - weight);
      }
      return { partners, weights };
    });
    return { images, labels, mixtures, shown: [] };
  };
}

/** Renders images with boxes or masks, with their targets as labels. */
function placedRenderer(shared: SharedDataset, options: LoaderOptions): RenderBatch {
  const { augment = [], seed = 0, size, scale, stride } = options;
  const { info } = shared;
  const split = shownImages(shared, options);
  const [height, width] = pixelsAt(shared, size).size;
  const shape = { height, width, channels: info.channels };
  const pixels = height * width * info.channels;
  const renderer = new PlacedRenderer(shape, scale ?? info, augment);
  const grid = gridOf([height, width], stride ?? Infinity);
  const classes = info.classes.length;
  const mask = split.readMasks === undefined ? undefined : new Uint8Array(height * width);
  const values = stride === undefined ? 0 : grid.rows * grid.columns * (mask === undefined ? targetValues : classes);
  // A view shows at most four images, in a mosaic.
  const buffers = Array.from({ length: 4 }, () => new Uint8Array(pixels));
  let next = 0;
  const masks = buffers.map(() => new Uint8Array(mask?.length ?? 0));
  const sourceAt = (position: number): PlacedImage => {
    const own = split.boxed?.(position);
    if (own === undefined) throw new Error('an image of detection or segmentation has no place in its rendering');
    const buffer = next++ % buffers.length;
    split.read([position], buffers[buffer]);
    split.readMasks?.([position], masks[buffer]);
    return { ...own, position, pixels: buffers[buffer], ...(mask !== undefined && { mask: masks[buffer] }) };
  };
  return (positions, views) => {
    const images = new Float32Array(positions.length * pixels);
    const labels = new Float32Array(positions.length * values);
    const shown: View['shown'][] = [];
    for (const [row, position] of positions.entries()) {
      const random = new Random(seed, 'view', views[row], position);
      const other = (stream: Random): PlacedImage => sourceAt(stream.int(split.count));
      const view = renderer.render(sourceAt(position), other, images, row * pixels, random, mask);
      shown.push(view.shown);
      if (stride === undefined) continue;
      const targets = labels.subarray(row * values, (row + 1) * values);
      if (mask === undefined) writeTargets(grid, view.boxes, targets);
      else writeMaskTargets(grid, mask, [height, width], classes, targets);
    }
    return { images, labels, mixtures: [], shown };
  };
}

/** Adds `weight` times the target of a position, if it has a label, to a row of outputs. */
function targetWriter({ labels, targets }: Split, outputs: number) {
  return (position: number, into: Float32Array, weight: number): void => {
    if (position >= labels.length) return;
    if (targets === null) into[labels[position]] += weight;
    else for (let k = 0; k < outputs; k++) into[k] += weight * targets[position * outputs + k];
  };
}
