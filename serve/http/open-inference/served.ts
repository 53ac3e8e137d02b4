import { nearest } from '../../../base/text.js';
import { Refusal } from '../../../base/server.js';
import type { OutputKind } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import type { InferencePool } from '../../inference/pool.js';
import type { PooledModel } from '../../inference/types.js';
import { choiceName, type ImageSize, type Model } from '../../models/model.js';
import { shown } from '../refusals.js';
import { inputNames, outputName } from './wire.js';

/** What answers under a name of the protocol, and what it takes and gives. */
export interface Served {
  readonly name: string;
  /** Null: the scheduler chooses. */
  readonly only: Model | null;
  /** Those that may answer; at least one. */
  readonly models: readonly PooledModel[];
  /** Shape of one image as the network takes it; null: those that may answer take different ones. */
  readonly values: readonly number[] | null;
  /** Names under which values may be sent. */
  readonly valuesNames: readonly string[];
  /** Of images as bytes [height, width, channels]; null: not all that may answer say how pixels are normalised. */
  readonly pixels: ImageSize | null;
  readonly output: { readonly name: string; readonly kind: OutputKind; readonly classes: readonly string[] };
}

/** Shape of one image in the layout that a network takes. */
export const valuesShape = ({ layout, size: [height, width, channels] }: Model): readonly number[] =>
  layout === 'NHWC' ? [height, width, channels] : [channels, height, width];

/** Whether models take the same values for an image. */
const takesSame = (a: Model, b: Model): boolean =>
  a.layout === b.layout &&
  a.size.join() === b.size.join() &&
  JSON.stringify(a.normalisation) === JSON.stringify(b.normalisation);

function describe(pool: InferencePool, name: string, models: readonly PooledModel[], only: Model | null): Served {
  const [first] = models;
  const isSame = models.every(({ model }) => takesSame(model, first.model));
  const kinds = new Set(models.map(({ outputs }) => outputs));
  return {
    name,
    only,
    models,
    values: isSame ? valuesShape(first.model) : null,
    valuesNames: [...new Set([inputNames.values, ...(only === null ? [] : [only.input])])],
    pixels: models.every(({ model }) => model.normalisation !== null) ? pool.size : null,
    output: {
      name: only?.output ?? outputName,
      // Where networks differ, logits are what all of them can give.
      kind: kinds.size === 1 ? first.outputs : 'logits',
      classes: first.model.classes,
    },
  };
}

function describeAll(pool: InferencePool): ReadonlyMap<string, Served> {
  const named = pool.models.map((pooled): [string, Served] => [
    pooled.model.name,
    describe(pool, pooled.model.name, [pooled], pooled.model),
  ]);
  const choice = pool.models.filter(({ model }) => pool.frontier.choice.includes(model));
  return new Map(choice.length === 0 ? named : [[choiceName, describe(pool, choiceName, choice, null)], ...named]);
}

const known = new WeakMap<InferencePool, ReadonlyMap<string, Served>>();

/** Everything that a pool answers for, by name: the scheduler's choice, where there is one, and each model. */
export function allServed(pool: InferencePool): ReadonlyMap<string, Served> {
  let served = known.get(pool);
  if (served === undefined) known.set(pool, (served = describeAll(pool)));
  return served;
}

/** @throws Refusal 404 when nothing answers under this name. */
export function servedAs(pool: InferencePool, name: string): Served {
  const all = allServed(pool);
  const served = all.get(name);
  if (served !== undefined) return served;
  if (name === choiceName)
    throw new Refusal(
      404,
      'there is no network to choose from: the accuracy of none is known, or their classes differ',
      `Ask for one by its name: ${[...all.keys()].join(', ')}.`,
    );
  const meant = nearest(name, all.keys());
  throw new Refusal(
    404,
    `there is no model ${shown(name)}`,
    meant === undefined ? `There are ${[...all.keys()].join(', ')}.` : `Did you mean ${meant}?`,
  );
}
