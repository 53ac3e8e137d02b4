import { basename } from 'node:path';
import { messageOf, NasError } from '../base/errors.js';
import type { PixelScale } from '../base/preprocess.js';
import type { MapTask } from '../base/task.js';
import { classifierFile, foreignMaps, sizeWhereOpen } from '../compiler/index.js';
import { metadataOfFile, readExport, type ModelMetadata } from '../deploy/index.js';
import {
  activations,
  answersOf,
  detectionOf,
  detectorOf,
  mapTaskOf,
  newHeadStrides,
  type DetectionHead,
  type Network,
} from '../spaces/index.js';
import type { Model } from '../spaces/models/index.js';
import { recogniseNetwork, type DatasetInfo, type DatasetRef } from '../trainers/index.js';
import { weightsFileOf } from './initial-weights/read.js';

/** The network of a backbone, or its file as ONNX. */
type Origin =
  /** A file of nas. */
  | { readonly kind: 'own'; readonly model: Model; readonly isFolded: boolean }
  /** A file of another program whose network is one of a space. */
  | {
      readonly kind: 'recognised';
      readonly model: Model;
      readonly isFolded: boolean;
      readonly bytes: Uint8Array;
      /** How the file normalises images before the network. */
      readonly inside: PixelScale;
    }
  /** A file of another program with other blocks: `unlike` names the first one. */
  | { readonly kind: 'other'; readonly bytes: Uint8Array; readonly unlike: string };

/** A trained network, whose backbone a detector or a segmenter takes. */
export interface Backbone {
  /** The file, and its name for messages. */
  readonly file: string;
  readonly name: string;
  readonly metadata: Partial<ModelMetadata>;
  /** Of its images. */
  readonly channels: number;
  readonly origin: Origin;
}

/** Images of files that leave their size open; the backbone is the same for all sizes. */
const usualSize = [224, 224] as const;

/**
 * Reads a classifier or detector of nas, or a classifier of another program.
 * @throws NasError `invalid-input` for other files, and for networks whose maps no detector reads
 */
export async function readBackbone(path: string): Promise<Backbone> {
  const file = weightsFileOf(path);
  const named = { file, name: basename(file) };
  if (!file.endsWith('.zip') && (await metadataOfFile(file)).network !== undefined) {
    const { model, metadata, folded: isFolded } = await readExport(file);
    return { ...named, metadata, channels: model.network.input[2], origin: { kind: 'own', model, isFolded } };
  }
  return { ...named, ...readForeign(await classifierFile(file), named.name) };
}

function readForeign(bytes: Uint8Array, where: string): Omit<Backbone, 'file' | 'name'> {
  try {
    const { model, folded, facts, images: inside } = recogniseNetwork(bytes, { where, size: usualSize });
    const origin = { kind: 'recognised', model, isFolded: folded.size > 0, bytes, inside } as const;
    return { metadata: { classes: facts.classes }, channels: model.network.input[2], origin };
  } catch (cause) {
    if (!(cause instanceof NasError)) throw cause;
    const { facts, input } = foreignMaps(bytes, newHeadStrides, { where, ...sizeWhereOpen(bytes, where, usualSize) });
    const origin = { kind: 'other', bytes, unlike: messageOf(cause) } as const;
    return { metadata: { classes: facts.classes }, channels: input[2], origin };
  }
}

/** The head of a new detector, as in the benchmark's network. */
const newHead = { width: 32, depth: 1 } as const;
/** Middles need no finer cells. */
const coarse = { stride: 8 } as const;

/** What the network answers: as the data says, else as the file does. */
export function taskFor({ task }: DatasetRef, info: DatasetInfo, { origin }: Backbone): MapTask {
  if (info.task.type === 'segmentation') return 'segmentation';
  const head = origin.kind === 'own' ? detectionOf(origin.model.network) : null;
  const own = head === null ? undefined : mapTaskOf(head);
  return task ?? (own === 'centroids' ? own : 'detection');
}

/** The head of a task in place of the head of another one. */
function withAnswers(head: DetectionHead, task: MapTask, isNew: boolean): DetectionHead {
  const { centroids: _, segmentation: __, ...boxes } = head;
  const isCoarse = task === 'centroids' && isNew && boxes.deepest >= 8;
  return { ...boxes, ...(isCoarse && coarse), ...answersOf(task) };
}

/** A new head on maps of these strides, the finest first. */
export function newHeadOn(strides: readonly (typeof newHeadStrides)[number][], task: MapTask): DetectionHead {
  const [stride, deepest] = [strides[0], strides[strides.length - 1]];
  return withAnswers({ kind: 'detection', stride, deepest, ...newHead, act: activations[0] }, task, true);
}

/** @throws NasError `invalid-input` where the network makes no maps that a head could read */
export function networkFor(network: Network, name: string, info: DatasetInfo, task: MapTask): Network {
  const input = [info.height, info.width, info.channels] as const;
  const classes = info.classes.length;
  const own = detectionOf(network);
  const detector =
    own === null
      ? detectorOf({ ...network, input }, { classes, ...newHead, where: name })
      : { ...network, input, classes };
  const head = own ?? detectionOf(detector);
  if (head === null || task === mapTaskOf(head)) return detector;
  return { ...detector, head: withAnswers(head, task, own === null) };
}
