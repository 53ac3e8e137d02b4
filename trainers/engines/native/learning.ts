import type { Buffer, Pass, Slice } from '../../../compiler/native/index.js';
import type { Weights, WeightSpec } from '../../../spaces/models/index.js';
import type { Arrays } from '../../native/index.js';
import type { LearningSpec, ProgramSpec } from '../network-program.js';
import { staysOf } from '../variables.js';
import { averagePasses, type Parameter, type Updates, updatesOf } from './updates.js';

/** A value of the state in the arena. */
export interface Place {
  readonly shape: readonly number[];
  readonly memory: Slice;
}

/** What a training changes: weights in arrays, the updates of the trained ones, and the moving average of all. */
export interface Learning {
  readonly spec: LearningSpec;
  readonly specs: readonly WeightSpec[];
  readonly start: Weights;
  readonly arrays: Arrays;
  readonly updates: Updates;
  /** The moving average of the weights, at the positions of the weights; null: there is none. */
  readonly average: { readonly buffer: Buffer; readonly passes: readonly Pass[] } | null;
}

/** @param partial whether a step may use only some of the weights, as in a supernet; default false */
export function learningOf(
  spec: LearningSpec & Pick<ProgramSpec, 'rates'>,
  {
    specs,
    start,
    arrays,
    partial = false,
  }: Pick<Learning, 'specs' | 'start' | 'arrays'> & { readonly partial?: boolean },
): Learning {
  const stays = staysOf({ ...spec, start });
  const parameters = specs.flatMap((own): Parameter[] => {
    const [weight, gradient] = [arrays.weights.get(own.name), arrays.gradients.get(own.name)];
    if (weight === undefined || gradient === undefined) return [];
    return [{ spec: own, weight, gradient, rate: spec.rates?.get(own.name) ?? 1 }];
  });
  const updates = updatesOf(spec.optimizer, parameters, partial);
  const averaged = specs.flatMap((own) => (stays(own) ? [] : [sliceIn(arrays.weights, own.name)]));
  const average = spec.ema > 0 ? averageOf(averaged, updates) : null;
  return { spec, specs, start, arrays, updates, average };
}

function averageOf(weights: readonly Slice[], { scalars }: Updates): NonNullable<Learning['average']> {
  const buffer = { name: 'average', floats: weights[0].buffer.floats, kept: true };
  return { buffer, passes: averagePasses(weights, buffer, scalars) };
}

export function sliceIn(slices: ReadonlyMap<string, Slice>, name: string): Slice {
  const slice = slices.get(name);
  if (slice === undefined) throw new Error(`the native passes have no weight ${name}`);
  return slice;
}

/** Every state by its name in checkpoints, in the order of the other engines. */
export function placesOf({ arrays, specs, average, updates }: Learning): Map<string, Place> {
  const weights = specs.map(({ name, shape }) => [name, shape, sliceIn(arrays.weights, name)] as const);
  const averages = average === null ? [] : weights;
  return new Map([
    ...weights.map(([name, shape, memory]) => [`model/${name}`, { shape, memory }] as const),
    ...averages.map(
      ([name, shape, memory]) =>
        [`average/${name}`, { shape, memory: { ...memory, buffer: average?.buffer ?? memory.buffer } }] as const,
    ),
    ...updates.slots.map(({ name, shape, memory }) => [`optimizer/${name}`, { shape, memory }] as const),
  ]);
}
