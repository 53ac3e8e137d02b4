import { basename } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import type { PixelScale } from '../../base/preprocess.js';
import {
  classifierFile,
  foreignNetwork,
  imageSizeIn,
  isTfjs,
  onnxSignature,
  parseOnnx,
  tfjsInput,
  type ClassifierFacts,
  type ClassifierSignature,
  type ForeignMaps,
  type ForeignNetwork,
} from '../../compiler/index.js';
import type { Dataset, DatasetInfo, Size } from '../data/index.js';
import type { TeacherNormalisation } from '../schema/teacher.js';
import { bestFeatures } from './best-features.js';
import { foundScale, imagenet, scaleOfNorm } from './normalisation.js';

/** A classifier's file, and what it may leave open. */
export interface PretrainedFile {
  /** ONNX file, or a TF.js model: its folder, its `model.json`, or a .zip of them. */
  readonly path: string;
  readonly layout?: 'NHWC' | 'NCHW' | undefined;
  /** Height and width of the images, where they are others than the file was exported for. */
  readonly size?: number | undefined;
  /** A known normalisation, instead of `mean` and `std`. */
  readonly normalisation?: 'imagenet' | 'data' | undefined;
  /** Of each channel, or one for all. */
  readonly mean?: number | readonly number[] | undefined;
  readonly std?: number | readonly number[] | undefined;
  /** The value or the TF.js layer that a new head reads; default: what the last linear layer reads. */
  readonly features?: string | undefined;
}

/** A network that learned from other images. */
export interface Pretrained {
  /** For messages: the name of the file. */
  readonly name: string;
  /** As ONNX. */
  readonly bytes: Uint8Array;
  /** Of the file and of how its images are normalised. */
  readonly hash: string;
  readonly network: ForeignNetwork;
  /** Height and width of its images. */
  readonly size: Size;
  /** Normalisation of its images. */
  readonly scale: TeacherNormalisation;
  /** Why a new head reads these features. */
  readonly why: string;
}

/** The normalisation that a configuration names or writes, with a value for each channel; nothing where it does neither. */
export function writtenScale({ normalisation, mean, std }: WrittenScale, data: PixelScale): Partial<PixelScale> {
  const named = normalisation === undefined ? { mean, std } : { imagenet, data }[normalisation];
  const perChannel = (given: number | readonly number[] | undefined): readonly number[] | undefined => {
    const values = given === undefined ? [] : [given].flat();
    return values.length === 1 ? data.mean.map(() => values[0]) : given === undefined ? undefined : values;
  };
  return { mean: perChannel(named.mean), std: perChannel(named.std) };
}

/**
 * The normalisation of a file's images: as its user writes it, else by its metadata, else the data's.
 * @throws NasError `invalid-input` unless there is a mean and a deviation for each channel
 */
export function writtenOrOwnScale(
  file: WrittenScale,
  facts: Partial<PixelScale>,
  { mean, std }: PixelScale,
  where: string,
): TeacherNormalisation {
  const written = writtenScale(file, { mean, std });
  const isWritten = written.mean !== undefined || written.std !== undefined;
  const said = isWritten ? written : facts;
  if (said.mean === undefined && said.std === undefined) return { mean, std, from: 'data' };
  if (said.mean?.length === mean.length && said.std?.length === mean.length)
    return { mean: said.mean, std: said.std, from: isWritten ? 'configuration' : 'metadata' };
  throw invalidInput(
    `${where} normalises ${said.mean?.length ?? 0} (mean) and ${said.std?.length ?? 0} (std) channels, the images have ${mean.length}`,
    { hint: 'Give both mean and std, for each channel or one for all.' },
  );
}

/** Height, width and channels of the images of a model; undefined where it leaves them open. */
export const inputOf = (
  { input, facts }: ClassifierSignature,
  { layout = facts.layout }: Pick<PretrainedFile, 'layout'>,
): ClassifierFacts['input'] => imageSizeIn(input, { ...facts, layout });

/** As `inputOf`, of a file. */
export async function fileInput(file: PretrainedFile): Promise<ClassifierFacts['input']> {
  const { path, size } = file;
  const input = isTfjs(path)
    ? await tfjsInput(path)
    : inputOf(onnxSignature(parseOnnx(await classifierFile(path, size), path), path), file);
  return size === undefined ? input : [size, size, input?.[2] ?? 3];
}

/**
 * Reads a classifier of any program, for images of some data.
 * @param dataset where the normalisation is looked for that neither configuration nor file says; without it, it is the data's
 * @throws NasError `invalid-input` when it cannot be trained, or takes other images
 */
export async function readPretrained(file: PretrainedFile, info: DatasetInfo, dataset?: Dataset): Promise<Pretrained> {
  const { path, layout, features, size: side } = file;
  const name = basename(path);
  const bytes = await classifierFile(path, side);
  const { height: own, width: across } = side === undefined ? info : { height: side, width: side };
  const [height, width] = inputOf(onnxSignature(parseOnnx(bytes, path), path), file) ?? [own, across];
  const size = [height, width] as const;
  const read = (from = features): ForeignNetwork =>
    foreignNetwork(bytes, { where: name, layout, size, features: from });
  const first = read();
  const [, , channels] = first.input;
  if (channels !== info.channels)
    throw invalidInput(`${name} takes images of ${channels} channels, the data has ${info.channels}`, {
      hint: 'Set data.channels, or choose another file.',
    });
  const written = writtenOrOwnScale(file, first.facts, info, name);
  const isOpen = written.from === 'data' && dataset !== undefined;
  const pooled = first.layers.at(-1)?.features;
  const scale = (isOpen ? await foundScale(read(features ?? pooled), dataset) : null) ?? written;
  const best =
    features === undefined && dataset !== undefined ? await bestFeatures(first, read, { dataset, scale }) : null;
  const network = best?.network ?? first;
  const hash = contentHash('pretrained', bytes, network.layout, scale.mean, scale.std, network.head?.features ?? null);
  return { name, bytes, hash, network, size, scale, why: best?.why ?? 'features names another value' };
}

/** How a file says that its images are normalised. */
export type WrittenScale = Pick<PretrainedFile, 'normalisation' | 'mean' | 'std'>;

/** The normalisation of a file whose maps a new head reads, and a line about it. Where nobody says it, it is found by the first norm. */
export async function scaleOfMaps(
  maps: ForeignMaps,
  written: WrittenScale,
  { dataset, name }: { readonly dataset: Dataset; readonly name: string },
): Promise<{ readonly scale: PixelScale; readonly line: string }> {
  const said = writtenOrOwnScale(written, maps.facts, dataset.info, name);
  const scale = said.from === 'data' && maps.norms.length > 0 ? await scaleOfNorm(maps, dataset) : said;
  return { scale, line: scaleLine(`${name} takes images of ${maps.input.slice(0, 2).join(' x ')} pixels`, scale) };
}

const origins: { readonly [F in TeacherNormalisation['from']]: string } = {
  configuration: 'as given',
  metadata: "by the file's metadata",
  norms: 'found',
  head: 'found',
  answers: 'found',
  data: "the data's, as the file does not say: normalisation imagenet suits most files of torchvision and timm; of Keras, mean 0 and std 1 images in [0, 1], mean 0.5 and std 0.5 images in [-1, 1]",
};

const numbers = (values: readonly number[]): string => values.map((value) => Number(value.toPrecision(3))).join(', ');

function scaleLine(what: string, { mean, std, from, found }: TeacherNormalisation): string {
  return `${what}; of pixel / 255, mean ${numbers(mean)} and std ${numbers(std)}: ${found ?? origins[from]}`;
}

/** What was taken for the images and the features of a file. */
export function readingLines({ name, size, scale, network, why }: Pretrained): string[] {
  return [
    scaleLine(`${name} takes images of ${size.join(' x ')} pixels (${network.layout})`, scale),
    ...(network.features === null ? [] : [`The new last layer of ${name} reads ${network.features}: ${why}`]),
  ];
}
