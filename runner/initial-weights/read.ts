import { trainingExperimentOf } from '../stored/experiment.js';
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { classifierFile } from '../../compiler/index.js';
import { canonicalJson } from '../../base/hash.js';
import { metadataOfFile, readExport, weightPaths, type ModelMetadata } from '../../deploy/index.js';
import {
  createSpace,
  detectionOf,
  mapTaskOf,
  extremes,
  genotypeOf,
  memberOf,
  type Network,
  type Space,
} from '../../spaces/index.js';
import type { Model, Weights } from '../../spaces/models/index.js';
import { Store } from '../../store/index.js';
import { CorruptFile, readTensorFile, recogniseNetwork, stemKernel } from '../../trainers/index.js';
import { databasePath, hasRun, supernetFolder, trialFolder, weightsFile } from '../stored/workdir.js';
import { alignBlocks } from './align.js';
import { unplaced } from './uses.js';

/** Trained weights of a file: of one network, or shared by the networks of a space. */
export type FoundWeights = {
  /** Names of the head's outputs, in order; null: not known. */
  readonly classes: readonly string[] | null;
} & (
  | {
      readonly kind: 'network';
      readonly model: Model;
      /** The place of each block in its space. */
      readonly places: readonly string[];
      /** Whether another program wrote the file. */
      readonly isForeign: boolean;
      /** Whether batch norm is folded into the kernels. */
      readonly folded: boolean;
    }
  | { readonly kind: 'shared'; readonly weights: Weights }
);

/** Stages whose folders hold weights of trials. */
const trialStages = ['search', 'final'] as const;

/** The file of weights at a path, which may be a folder that nas export wrote. */
export function weightsFileOf(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return path;
  const found = ['model.onnx', 'model.json', weightsFile].find((name) => existsSync(join(path, name)));
  if (found !== undefined) return join(path, found);
  throw invalidInput(`${path} holds neither model.onnx nor model.json nor weights.bin`, {
    hint: 'Give a folder that nas export wrote, the folder of a trial (artifacts/search/<trial> of its run), or a file of one.',
  });
}

/** All files that the weights of a path are read from. */
export function weightsFilesOf(path: string): readonly string[] {
  const file = weightsFileOf(path);
  if (!file.endsWith('.json')) return [file];
  const beside = ['metadata.json', ...weightPaths(file)].sort().map((name) => join(dirname(file), name));
  return [file, ...beside.filter((other) => existsSync(other))];
}

/**
 * Reads trained weights: an ONNX file or a TF.js model, of nas or of another program, or a `weights.bin` in the folder of
 * a run.
 * @param space of networks whose files do not have the places of their blocks
 * @throws NasError `invalid-input` when the file has no weights, or does not say which network they belong to
 */
export async function readFoundWeights(path: string, space: Space): Promise<FoundWeights> {
  const file = weightsFileOf(path);
  if (file.endsWith('.bin')) return readTensors(file);
  if (file.endsWith('.zip') || (await metadataOfFile(file)).network === undefined) return readForeign(file, space);
  const { model, metadata, folded } = await readExport(file);
  if (metadata.shrunk_from !== undefined) throw shrunkOne(file);
  const places = metadata.places ?? placesAmong(space, model.network, metadata);
  if (places === null)
    throw invalidInput(`${file} does not say where the blocks of its network are in a space`, {
      hint: 'Export it again with this version of nas, from the folder of its run.',
    });
  return { kind: 'network', model, places, isForeign: false, classes: metadata.classes ?? null, folded };
}

/** Reads a network that another program wrote: its blocks have the places of the most similar blocks of the space. */
async function readForeign(file: string, space: Space): Promise<FoundWeights> {
  const bytes = await classifierFile(file);
  const largest = memberOf(space, extremes(space).largest.genotype);
  const { input } = largest.network;
  const plain = largest.network.blocks.some(({ kind }) => kind === 'conv');
  const { model, folded, facts } = recogniseNetwork(bytes, {
    where: file,
    size: [input[0], input[1]],
    plain,
  });
  const found = alignBlocks(model.network, largest);
  if (found.every((place) => place === null)) {
    const [own, wanted] = [model.network, largest.network].map(({ blocks }) =>
      [...new Set(blocks.map(({ kind }) => kind))].join(', '),
    );
    throw invalidInput(
      `nothing in ${file} fits the networks of the space ${space.name}: it has blocks of kind ${own}`,
      {
        hint: `The space has blocks of kind ${wanted}.`,
      },
    );
  }
  return {
    kind: 'network',
    model: forImages(model, input),
    places: found.map((place, i) => place ?? `${unplaced}.${i + 1}`),
    isForeign: true,
    classes: facts.classes ?? null,
    folded: folded.size > 0,
  };
}

/**
 * A network for images of another size, where batch norm's statistics are found, too. A network for colours takes grey images
 * as equal colours.
 */
function forImages({ network, weights }: Model, input: Network['input']): Model {
  const [height, width, channels] = input;
  const stem = weights.get(stemKernel);
  if (channels !== 1 || network.input[2] !== 3 || stem === undefined)
    return { network: { ...network, input: [height, width, network.input[2]] }, weights };
  const [rows, columns, , filters] = stem.shape;
  const data = new Float32Array(stem.data.length / 3);
  for (const [i, value] of stem.data.entries()) data[Math.floor(i / (3 * filters)) * filters + (i % filters)] += value;
  return {
    network: { ...network, input },
    weights: new Map([...weights, [stemKernel, { shape: [rows, columns, 1, filters], data }]]),
  };
}

/** A cut network does not keep the first channels, which members of a space share. */
const shrunkOne = (file: string) =>
  invalidInput(`${file} is of a network that was shrunk, which is no member of a space`, {
    hint: 'Give the network that it was cut out of.',
  });

/** A network without the parts that the data decides. */
const structure = ({ stem, blocks, head }: Network): string => canonicalJson({ stem, blocks, head });

/** The places of a network's blocks when it is a member of the space, by the decisions that its file has. */
function placesAmong(space: Space, network: Network, { decisions }: Partial<ModelMetadata>): readonly string[] | null {
  if (decisions === undefined || space.decisions.some(({ name }) => !(name in decisions))) return null;
  const member = memberOf(space, genotypeOf(space.decisions, decisions));
  return structure(member.network) === structure(network) ? member.places : null;
}

async function readTensors(file: string): Promise<FoundWeights> {
  const weights = tensorsOf(file);
  // A network's own weights are named by block numbers, shared ones by places.
  const folder = dirname(resolve(file));
  if (![...weights.keys()].some((name) => /^block\d+[_/]/.test(name)))
    return { kind: 'shared', weights, classes: classesBeside(folder) };
  const trained = await trialOf(folder);
  if (trained !== null)
    return {
      kind: 'network',
      model: { network: trained.network, weights },
      places: trained.places,
      isForeign: false,
      classes: trained.classes,
      folded: false,
    };
  throw invalidInput(`${file} does not say which network it is of`, {
    hint: 'Leave it in the folder of its run (artifacts/final/<trial>/weights.bin), or write it with nas export.',
  });
}

function tensorsOf(file: string): Weights {
  try {
    return readTensorFile(file).tensors;
  } catch (cause) {
    if (!(cause instanceof CorruptFile)) throw cause;
    throw invalidInput(cause.message, {
      hint: 'Give an ONNX file, the model.json of a TF.js layers model, or weights.bin in the folder of a run.',
      cause,
    });
  }
}

/** The workdir of a run that wrote weights into this folder. */
const runOf = (folder: string): string => join(folder, '..', '..', '..');

/** The classes of the run that trained shared weights in this folder; null when no run did. */
function classesBeside(folder: string): readonly string[] | null {
  const workdir = join(folder, '..', '..');
  if (join(workdir, supernetFolder) !== folder || !hasRun(workdir)) return null;
  using store = Store.open(databasePath(workdir), { readonly: true });
  return store.run.classes();
}

interface TrialNetwork {
  readonly network: Network;
  readonly places: readonly string[];
  readonly classes: readonly string[] | null;
}

/** The network of a trial whose weights lie in a folder where its run wrote them. */
async function trialOf(folder: string): Promise<TrialNetwork | null> {
  const workdir = runOf(folder);
  const number = Number(basename(folder));
  const isOfTrial = trialStages.some((stage) => join(workdir, trialFolder(stage, number)) === folder);
  if (!isOfTrial || !hasRun(workdir)) return null;
  using store = Store.open(databasePath(workdir), { readonly: true });
  const trial = store.trials.get(number);
  if (trial === undefined) return null;
  // Stored by the runner when the trial was asked.
  const network = store.networks.get(trial.genotypeId) as Network;
  const { input, classes } = network;
  const head = detectionOf(network);
  const space = await createSpace(trainingExperimentOf(store, workdir).space, {
    input,
    classes,
    ...(head !== null && { maps: mapTaskOf(head) }),
  });
  return { network, places: memberOf(space, trial.genotype).places, classes: store.run.classes() };
}
