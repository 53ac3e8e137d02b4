import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { z } from 'zod';
import { defaultDecoding } from '../base/detections.js';
import { invalidInput } from '../base/errors.js';
import { completeDecoding, type Rendering } from '../base/preprocess.js';
import type { MapTask } from '../base/task.js';
// Not the compiler's index: that loads TF.js, and a server of models does without its 50 MB.
import { classifierFacts, factsOf, imageSizeIn, ownKey, parseText } from '../compiler/runtime/classifier/signature.js';
import { inputsOf, parseOnnx, type OnnxFile } from '../compiler/onnx/file.js';
import type { Network } from '../spaces/index.js';

const isNetwork = (value: unknown): value is Network =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'network';

const score = z.number().max(1);

/** A latency and its source. */
const latencySchema = z.strictObject({
  /** For one batch on the device. */
  ms: z.number().gt(0),
  provenance: z.enum(['measured', 'predicted', 'imported']),
  device: z.string().optional(),
  /** 95 % confidence interval, in ms; includes the spread between sessions of measurement where the run knows it. */
  interval: z.tuple([z.number(), z.number()]).readonly().optional(),
  /** Standard deviation of a prediction's error, in ms. */
  std: z.number().min(0).optional(),
});

const precisions = ['fp32', 'fp16', 'int8'] as const;

/** How an int8 file was quantized. */
const quantizationSchema = z.strictObject({
  /** How the ranges of the activations were found: `minmax`, `percentile`. */
  method: z.string(),
  /** Calibration images. */
  images: z.number().int().min(1),
  /** 7 for devices that sum products of bytes in 16 bits, which saturate with 8. */
  weight_bits: z.union([z.literal(7), z.literal(8)]),
});
export type QuantizationFacts = Readonly<z.output<typeof quantizationSchema>>;

/** How the outputs of a detector become boxes: `decode` of `base/detections.ts`. */
const detectionSchema = z.strictObject({
  /** Pixels of the input for each cell of the outputs. */
  stride: z.number().int().min(1),
  /** Peaks of an image, and the overlap of boxes from which the worse one is dropped. */
  most: z.number().int().min(1),
  overlap: z.number().gt(0).max(1),
  /** Least score of each class. */
  thresholds: z.array(z.number().min(0).max(1)).readonly().optional(),
});
export type DetectionFacts = Readonly<z.output<typeof detectionSchema>>;

/** How the output of a segmenter becomes classes of pixels: `largestClasses` of `base/class-map.ts`. */
const segmentationSchema = z.strictObject({ stride: detectionSchema.shape.stride });

/** How the maps of a file become answers. @param stride pixels of the input for each cell */
export const mapFacts = (task: MapTask, stride: number): Pick<ModelMetadata, 'detection' | 'segmentation'> =>
  task === 'segmentation' ? { segmentation: { stride } } : { detection: { stride, ...defaultDecoding } };

/** Metadata of a deployed classifier: what a program needs to use it (see `classifierFacts`), and its origin. */
export const modelMetadataSchema = z.strictObject({
  ...classifierFacts,
  /** Absent: classification. */
  task: classifierFacts.task.optional(),
  /** Absent: the defaults. */
  preprocess: classifierFacts.preprocess.optional(),
  /** Version of this package that wrote the file. */
  nas_version: z.string(),
  /** When the file was written (ISO 8601). */
  created: z.string(),
  experiment: z.string().optional(),
  trial: z.number().int().min(0).optional(),
  seed: z.number().int().min(0).optional(),
  /** Name of the model that the network was pruned from (`trial 7`); the network is no member of a space. */
  shrunk_from: z.string().optional(),
  /** Id of the genotype, and its choices by decision. */
  genotype: z.string().optional(),
  decisions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  network: z.custom<Network>(isNetwork, 'not a network').optional(),
  /** Position of each block in the space: `stage2.1`. Absent where members of the space share no weights. */
  places: z.array(z.string()).readonly().optional(),
  /**
   * Origin of the weights: trained from random ones, trained from a slice of a supernet's, or such a slice with calibrated
   * batch norm.
   */
  weights: z.enum(['trained', 'inherited', 'supernet']).optional(),
  /** Main score of the task, by split: share of images classified correctly, mean average precision, or R², which may be negative. */
  accuracy: z.strictObject({ validation: score.optional(), test: score.optional() }).optional(),
  detection: detectionSchema.optional(),
  segmentation: segmentationSchema.optional(),
  /** The weights of the last layer are divided by this temperature, which calibrates the confidence of answers. */
  temperature: z.number().gt(0).optional(),
  latency: latencySchema.optional(),
  /**
   * Precision of the computation: `fp32`, also where weights are stored in 16 bits (`weight_format`), or `int8`, bytes
   * wherever there are integer kernels. Files without it are fp32, or of another tool.
   */
  precision: z.enum(precisions).optional(),
  /** Storage format of the weights, where it differs from the precision. */
  weight_format: z.enum(['fp16']).optional(),
  quantization: quantizationSchema.optional(),
});

export type ModelMetadata = Readonly<z.output<typeof modelMetadataSchema>>;
type MetadataKey = keyof ModelMetadata;

const keys = Object.keys(modelMetadataSchema.shape) as MetadataKey[];

/** Keys with plain texts as values; all others are written as JSON. */
const plain: ReadonlySet<MetadataKey> = new Set([
  'layout',
  'nas_version',
  'created',
  'experiment',
  'genotype',
  'weights',
  'precision',
  'weight_format',
]);

/** Metadata as the flat texts of an ONNX file's `metadata_props`; keys without a value are left out. */
export function metadataProps(metadata: Partial<ModelMetadata>): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = metadata[key];
      if (value === undefined) return [];
      return [[key, typeof value === 'string' && plain.has(key) ? value : JSON.stringify(value)]];
    }),
  );
}

const added = modelMetadataSchema
  .pick({ precision: true, quantization: true, accuracy: true, detection: true, segmentation: true })
  .partial();

/** Metadata that this package adds to files of other programs; nothing unless all of it is valid. */
function addedTo(values: Readonly<Record<string, unknown>>): Partial<ModelMetadata> {
  return added.safeParse(Object.fromEntries(Object.entries(values).filter(([key]) => key in added.shape))).data ?? {};
}

/**
 * Metadata from plain values by key. Of a model that another program wrote, these are the keys that have the same form here
 * (possibly class names, layout, input size and normalisation), and the keys that this package added when it quantized the file.
 *
 * @param where what errors call the values
 * @throws NasError `invalid-input` when they are of a file of this package, and damaged.
 */
export function metadataOf(values: Readonly<Record<string, unknown>>, where: string): Partial<ModelMetadata> {
  if (!(ownKey in values)) return { ...factsOf(values), ...addedTo(values) };
  const parsed = modelMetadataSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw invalidInput(`${where} is damaged: ${z.prettifyError(parsed.error)}`, { hint: 'Export the model again.' });
}

/** The metadata of a parsed ONNX model (see `metadataOf`). */
export function metadataIn({ metadataProps: texts }: OnnxFile, where = "the model's metadata"): Partial<ModelMetadata> {
  const known = new Set<string>(keys);
  const values = texts.flatMap(({ key, value }) =>
    known.has(key) ? [[key, plain.has(key as MetadataKey) ? value : parseText(value)] as const] : [],
  );
  return metadataOf(Object.fromEntries(values), where);
}

/**
 * The metadata of an ONNX model (see `metadataOf`).
 *
 * @throws NasError `invalid-input` when the bytes are no ONNX model, or when one of this package's files is damaged.
 */
export const readMetadata = (model: Uint8Array): Partial<ModelMetadata> => metadataIn(parseOnnx(model));

/** How files become the input pixels of an ONNX model; undefined where its size is unknown (see `imageSizeIn`). */
export function renderingOfModel(model: Uint8Array, where?: string): Rendering | undefined {
  const file = parseOnnx(model, where);
  const metadata = metadataIn(file);
  const image = imageSizeIn(inputsOf(file)[0], metadata);
  if (image === undefined) return undefined;
  const [height, width, channels] = image;
  return { ...completeDecoding(metadata.preprocess), size: [height, width], channels };
}

/**
 * The same ONNX model with this metadata; other keys of the file stay. Metadata without a version is of a file of another
 * program, in which keys without a new value stay, too: they may have another meaning there.
 */
export function withMetadata(model: Uint8Array, metadata: Partial<ModelMetadata>): Uint8Array {
  const proto = parseOnnx(model);
  const own = new Set<string>(ownKey in metadata ? keys : Object.keys(metadataProps(metadata)));
  proto.metadataProps = [
    ...proto.metadataProps.filter(({ key }) => !own.has(key)),
    ...Object.entries(metadataProps(metadata)).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  ];
  return toBinary(ModelProtoSchema, proto);
}
