import { nearest } from '../../base/text.js';
import type { TaskType } from '../../base/task.js';
import type { Rendering } from '../../base/preprocess.js';
import { Refusal } from '../../base/server.js';
import type { OutputKind } from '../../compiler/runtime/classifier/inputs-outputs.js';
import type { InferencePool, PooledModel } from '../inference/pool.js';
import { renderingsOf } from '../inference/pixel-layout.js';
import { takeSameValues, valueCount } from '../inference/inputs.js';
import { choiceName, outputsOf, type ImageSize, type Model } from '../models/model.js';
import { shown } from './refusals.js';
import { inputNames, outputName } from './wire.js';

/** A model name of the protocol: the networks behind it, their inputs and outputs. */
export interface Served {
  readonly name: string;
  readonly version: string;
  /** Versions of this name, the newest first. */
  readonly versions: readonly string[];
  /** The named model; null: the scheduler chooses. */
  readonly only: Model | null;
  /** The networks that may answer; at least one. */
  readonly models: readonly PooledModel[];
  /** Shape of an image's values; null: the networks take different values. */
  readonly values: readonly number[] | null;
  readonly valuesNames: readonly string[];
  /**
   * Shape [height, width, channels] of tensors of bytes: the largest input of the networks; null: a network has no
   * normalisation.
   */
  readonly pixels: ImageSize | null;
  /** The different renderings that the networks take. */
  readonly renderings: readonly Rendering[];
  readonly output: {
    readonly task: TaskType;
    readonly kind: OutputKind;
    readonly classes: readonly string[];
    /** Its tensors, without the batch; a side is -1 where the networks differ in it. */
    readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  };
}

/** Shape of an image in the network's layout. */
const valuesShape = ({ layout, size: [height, width, channels] }: Model): readonly number[] =>
  layout === 'NHWC' ? [height, width, channels] : [channels, height, width];

const largestSize = (models: readonly PooledModel[]): ImageSize =>
  models.map(({ model }) => model.size).reduce((a, b) => (valueCount(b) > valueCount(a) ? b : a));

/** The outputs of networks. Detectors have names for theirs; the others are `outputs` of the scheduler's choice. */
function tensorsOf(models: readonly PooledModel[], only: Model | null): Served['output']['tensors'] {
  const all = models.map(({ model }) => outputsOf(model));
  return all[0].map(({ name, shape }, n) => ({
    name: only === null && all[0].length === 1 ? outputName : name,
    shape: shape.map((side, axis) => (all.every((one) => one[n].shape[axis] === side) ? side : -1)),
  }));
}

function describe(name: string, models: readonly PooledModel[], only: Model | null, versions = ['1']): Served {
  const [first] = models;
  const isSame = models.every(({ model }) => takeSameValues(model, first.model));
  const kinds = new Set(models.map(({ outputs }) => outputs));
  return {
    name,
    version: String(only?.version ?? 1),
    versions,
    only,
    models,
    values: isSame ? valuesShape(first.model) : null,
    valuesNames: [...new Set([inputNames.values, ...(only === null ? [] : [only.input])])],
    pixels: models.every(({ model }) => model.normalisation !== null) ? largestSize(models) : null,
    renderings: renderingsOf(models.map(({ model }) => model)),
    output: {
      // If the networks differ, all of them can give logits; numbers never differ.
      kind: kinds.size === 1 ? first.outputs : 'logits',
      task: first.model.task,
      classes: first.model.classes,
      tensors: tensorsOf(models, only),
    },
  };
}

/** The names of a pool: `frontier` if the scheduler has a choice, and each model in its versions. */
class AllServed {
  /** By name, in the newest version, and by `name/version`. */
  private readonly served = new Map<string, Served>();
  readonly names: readonly string[];

  constructor({ models, frontier }: InferencePool) {
    const choice = models.filter(({ model }) => frontier.choice.includes(model));
    if (choice.length > 0) this.add(describe(choiceName, choice, null));
    for (const pooled of models) {
      const { name } = pooled.model;
      const versions = models.filter(({ model }) => model.name === name).map(({ model }) => String(model.version));
      this.add(describe(name, [pooled], pooled.model, versions));
    }
    this.names = [...this.served.keys()].filter((key) => !key.includes('/'));
  }

  /** @param version undefined: the newest one */
  get(name: string, version?: string): Served | undefined {
    return this.served.get(version === undefined ? name : `${name}/${version}`);
  }

  private add(served: Served): void {
    // The newest version comes first.
    if (!this.served.has(served.name)) this.served.set(served.name, served);
    this.served.set(`${served.name}/${served.version}`, served);
  }
}

const known = new WeakMap<InferencePool, AllServed>();

export function allServed(pool: InferencePool): AllServed {
  let served = known.get(pool);
  if (served === undefined) known.set(pool, (served = new AllServed(pool)));
  return served;
}

/** @throws Refusal 404 when there is no such model or version */
export function servedAs(pool: InferencePool, name: string, version?: string): Served {
  const all = allServed(pool);
  const served = all.get(name, version);
  if (served !== undefined) return served;
  const newest = all.get(name);
  if (newest !== undefined)
    throw new Refusal(
      404,
      `there is no version ${shown(version)} of ${name}`,
      `Its versions are ${newest.versions.join(', ')}.`,
    );
  if (name === choiceName)
    throw new Refusal(
      404,
      'the scheduler has no network to choose from, because the accuracy of none is known',
      `Request one by its name: ${all.names.join(', ')}.`,
    );
  const meant = nearest(name, all.names);
  throw new Refusal(
    404,
    `there is no model ${shown(name)}`,
    meant === undefined ? `The models are ${all.names.join(', ')}.` : `Did you mean ${meant}?`,
  );
}
