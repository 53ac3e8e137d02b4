import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TensorProto_DataLocation } from 'onnx-buf';
import { z } from 'zod';
import { defaultDecoding, usualThreshold } from '../../base/detections.js';
import { invalidInput, messageOf } from '../../base/errors.js';
import { completeDecoding } from '../../base/preprocess.js';
import { classification, isMapTask, type MapTask } from '../../base/task.js';
import { fitClassifier } from '../../compiler/runtime/classifier/classifier.js';
import { parseOnnx, showTensor, type OnnxFile } from '../../compiler/onnx/file.js';
import { imageSizeIn, onnxSignature, type ClassifierSignature } from '../../compiler/runtime/classifier/signature.js';
import { metadataIn, metadataOf, type ModelMetadata } from '../../deploy/metadata.js';
import type { ImageSize, Maps, Model } from './model.js';

/** File beside a model with the metadata that the model's file lacks. */
export const metadataFile = 'metadata.json';
const metadataText = z.record(z.string(), z.unknown());

const example = '{"input": [224, 224, 3], "layout": "NCHW", "classes": ["cat", "dog"], "mean": [...], "std": [...]}';

/** Metadata from `metadata.json` beside a file that is the only model of its folder; otherwise empty. */
async function metadataBeside(file: string): Promise<Partial<ModelMetadata>> {
  const names = await readdir(dirname(file));
  if (!names.includes(metadataFile) || names.filter((name) => name.endsWith('.onnx')).length > 1) return {};
  const beside = join(dirname(file), metadataFile);
  try {
    return metadataOf(metadataText.parse(JSON.parse(await readFile(beside, 'utf8'))), 'its content');
  } catch (cause) {
    throw invalidInput(`${beside} cannot be used: ${messageOf(cause)}`, { hint: `Example: ${example}.`, cause });
  }
}

function checkWhole({ graph }: OnnxFile, file: string): void {
  const outside = graph.initializer.find(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL);
  if (outside === undefined) return;
  throw invalidInput(`${file} stores weights in other files ('${outside.name}'), which its hash does not cover`, {
    hint: 'Save it as one file: onnx.save(model, path, save_as_external_data=False).',
  });
}

function sizeOf({ input }: ClassifierSignature, said: Partial<ModelMetadata>, file: string): ImageSize {
  const size = imageSizeIn(input, said);
  if (size !== undefined) return size;
  throw invalidInput(`${file} takes ${showTensor(input)}: the image size is unknown`, {
    hint: `Write it into ${join(dirname(file), metadataFile)}: ${example}.`,
  });
}

function classesOf({ output }: ClassifierSignature, said: Partial<ModelMetadata>, file: string): readonly string[] {
  if (said.classes !== undefined) return said.classes;
  const sizes = output.shape.slice(1);
  if (sizes.length > 0 && sizes.every((size) => typeof size === 'number'))
    return Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, (_, i) => String(i));
  throw invalidInput(`${file} gives ${showTensor(output)}: the number of classes is unknown`, {
    hint: `Name them in ${join(dirname(file), metadataFile)}: ${example}.`,
  });
}

/** The keys of the metadata that say how maps become answers. */
const mapKeys = {
  detection: ['a detector', 'detection', 'boxes: {"stride": 4, "most": 150, "overlap": 0.6}'],
  centroids: ['a detector', 'detection', 'boxes: {"stride": 4, "most": 150, "overlap": 0.6}'],
  segmentation: ['a segmenter', 'segmentation', 'classes of pixels: {"stride": 8}'],
} as const satisfies Readonly<Record<MapTask, unknown>>;

function mapsOf(
  { output }: ClassifierSignature,
  task: MapTask,
  said: Partial<ModelMetadata>,
  [height, width]: ImageSize,
  classes: readonly string[],
  file: string,
): Maps {
  const [kind, key, meaning] = mapKeys[task];
  const stride = said[key]?.stride;
  if (stride === undefined)
    throw invalidInput(`${file} is ${kind}, but the key '${key}' of its metadata is missing`, {
      hint: `It says how the outputs become ${meaning}. Export the model again.`,
    });
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const sides = output.shape.slice(1, 3);
  if ([rows, columns].some((side, i) => typeof sides[i] === 'number' && sides[i] !== side))
    throw invalidInput(
      `${file} gives ${showTensor(output)}, but an input of ${height} x ${width} with the stride ${stride} has ${rows} x ${columns} cells`,
      { hint: `The keys input and ${key} of its metadata must be those of the network. Export the model again.` },
    );
  if (task === 'segmentation') return { task, stride, rows, columns };
  const { thresholds = classes.map(() => usualThreshold), ...rules } = said.detection ?? {};
  if (thresholds.length !== classes.length)
    throw invalidInput(`${file} names ${thresholds.length} thresholds and ${classes.length} classes`, {
      hint: 'The key detection of its metadata needs one threshold for each class. Export the model again.',
    });
  return { ...defaultDecoding, ...rules, task, stride, rows, columns, thresholds };
}

/**
 * Describes a model from its own metadata, from `metadata.json` beside it (when it is the only model of its folder) and from
 * its graph, without opening a session.
 * @param file absolute path
 * @throws NasError `invalid-input` when the file is damaged, or is neither a classifier nor a network with maps of images of one size.
 */
export async function readModel(file: string, name: string): Promise<Model> {
  const content = await readFile(file).catch((cause: unknown) => {
    throw invalidInput(`${file}: cannot be read: ${messageOf(cause)}`, { cause });
  });
  const onnx = parseOnnx(content, file);
  checkWhole(onnx, file);
  const said = { ...(await metadataBeside(file)), ...metadataIn(onnx, `the metadata of ${file}`) };
  const signature = onnxSignature(onnx, file);
  const size = sizeOf(signature, said, file);
  const classes = classesOf(signature, said, file);
  const [height, width, channels] = size;
  const task = said.task ?? classification;
  const data = { height, width, channels, classes, task, mean: [], std: [] };
  const { layout, batch, normalisation, kind } = fitClassifier(signature, data, file, said);
  return {
    name,
    version: 1,
    file,
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.byteLength,
    size,
    layout,
    input: signature.input.name,
    output: signature.output.name,
    kind,
    task: task.type,
    maps: isMapTask(task.type) ? mapsOf(signature, task.type, said, size, classes, file) : null,
    batch,
    normalisation,
    decoding: completeDecoding(said.preprocess),
    classes,
    accuracy: said.accuracy?.test ?? said.accuracy?.validation ?? null,
    precision: said.precision ?? 'fp32',
  };
}
