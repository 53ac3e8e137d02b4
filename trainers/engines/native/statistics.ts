import { nativeLibrary, NativeProgram } from '../../../compiler/native/index.js';
import { type Model, weightSpecs } from '../../../spaces/models/index.js';
import { planNetwork } from '../../native/index.js';
import type { NativeChoice } from '../select.js';
import { sliceIn } from './learning.js';
import { chunks } from './training.js';

/**
 * The means and variances of a batch at all norms, as a function of images.
 * @param names of the moving statistics, in the order of the result
 * @returns null for a network that has no native passes, and without the library
 */
export function nativeStatistics(
  { network, weights }: Model,
  names: readonly string[],
  { isa, batch, threads }: Pick<NativeChoice, 'isa'> & { readonly batch: number; readonly threads: number },
): ((images: Float32Array) => Promise<Float32Array>) | null {
  const library = nativeLibrary(isa ?? undefined);
  const frozen = new Set(weightSpecs(network).map(({ name }) => name));
  const plan = planNetwork(network, { batch, chunks, frozen });
  if ('reason' in library || 'unsupported' in plan) return null;
  // With momentum 0, moving statistics that are 0 become exactly the statistics of the batch.
  const passes = plan.passes.forward.map((pass) => (pass.momentum === undefined ? pass : { ...pass, momentum: 0 }));
  const [{ buffer }] = plan.weights.values();
  const program = new NativeProgram(library, [[passes]], [plan.images, buffer], { threads, chunks });
  for (const [name, slice] of plan.weights) program.view(slice).set(weights.get(name)?.data ?? []);
  return async (images) => {
    const statistics = names.map((name) => program.view(sliceIn(plan.weights, name)));
    for (const values of statistics) values.fill(0);
    program.view(plan.images).set(images);
    await program.run(0, 0, batch);
    return Float32Array.from(statistics.flatMap((values) => [...values]));
  };
}
