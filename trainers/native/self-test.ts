import { type InstructionSet, type NativeLibrary, nativeLibrary, NativeProgram } from '../../compiler/native/index.js';
import { Random } from '../../base/random.js';
import { product } from '../../base/statistics.js';
import { classifierHead, type Network } from '../../spaces/index.js';
import { initialWeights } from '../../spaces/models/index.js';
import { planNetwork } from './plan.js';

/** A network of the most common layers: an expansion with squeeze-excite, a convolution and a pointwise head. */
export const network: Network = {
  kind: 'network',
  input: [8, 8, 3],
  classes: 2,
  stem: { filters: 8, kernel: 3, stride: 1, act: 'swish' },
  blocks: [
    { kind: 'mbconv', filters: 8, expand: 3, kernel: 3, stride: 1, se: 0.25, act: 'swish' },
    { kind: 'conv', filters: 12, kernel: 3, stride: 2, act: 'swish' },
  ],
  head: { filters: 16, act: 'swish', dropout: 0 },
};

const [batch, chunks, seed] = [4, 4, 1];

/** What the numbers depend on. */
export function input(): { readonly images: Float32Array; readonly featureGradients: Float32Array } {
  const random = new Random(seed, 'self-test');
  const normal = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  return {
    images: normal(batch * product(network.input)),
    featureGradients: normal(batch * classifierHead(network).filters),
  };
}

/** One number of many; it changes with the order of the values, too. */
export function digest(values: Iterable<Float32Array>): number {
  let [sum, i] = [0, 0];
  for (const array of values) for (const value of array) sum += value * Math.cos(i++);
  return sum;
}

/** By TF.js, as a test verifies. */
export const expected = { features: 0.390761, gradients: 12.91234 };

/** Differences of rounding are a hundred times smaller. */
const tolerance = 1e-3;

/** Trains one step of a small network. @returns why the results are wrong; null: they are right */
async function selfTest(library: NativeLibrary): Promise<string | null> {
  const plan = planNetwork(network, { batch, chunks });
  if ('unsupported' in plan) throw new Error(plan.unsupported);
  const { passes, weights, gradients, images, features, featureGradients } = plan;
  const kept = [images, features, featureGradients, ...weights.values(), ...gradients.values()];
  const program = new NativeProgram(library, [[passes.forward, passes.backward]], kept, { threads: 2, chunks });
  const values = initialWeights(network, seed);
  for (const [name, memory] of weights) program.view(memory).set(values.get(name)?.data ?? []);
  const given = input();
  program.view(images).set(given.images);
  program.view(featureGradients).set(given.featureGradients);
  await program.run(0, 0, batch);
  await program.run(0, 1, batch);
  const found = {
    features: digest([program.view(features)]),
    gradients: digest([...gradients.values()].map((memory) => program.view(memory))),
  };
  for (const [name, value] of Object.entries(expected)) {
    const own = found[name as keyof typeof expected];
    // Not `>`: the number may be NaN.
    if (!(Math.abs(own - value) <= tolerance * Math.abs(value)))
      return `its self-test fails: ${name} are ${own}, expected ${value}`;
  }
  return null;
}

type Found = NativeLibrary | { readonly reason: string };

const tested = new Map<Found, Promise<Found>>();

/**
 * The native library, if a small step gives the right numbers, or why there is none; tried once per process.
 * @param wanted as of `nativeLibrary`
 */
export function workingNative(wanted?: InstructionSet): Promise<Found> {
  const library = nativeLibrary(wanted);
  if ('reason' in library) return Promise.resolve(library);
  let found = tested.get(library);
  if (found === undefined) {
    found = selfTest(library).then((reason) => (reason === null ? library : { reason }));
    tested.set(library, found);
  }
  return found;
}
