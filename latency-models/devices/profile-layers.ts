import { invalidInput, messageOf } from '../../base/errors.js';
import { profileModel, requireKnown, type Profile } from '../../compiler/index.js';
import type { LayerProfile } from '../device.js';
import type { LocalConfig } from '../schema.js';
import { randomFeeds } from './model-input.js';

const warmupRuns = 10;
/** Runs go on for this long, within these bounds. */
const [enoughMs, fewestRuns, mostRuns] = [300, 12, 100];

/**
 * The layer that a node ran for. Values are laid out again for layers that ONNX Runtime has no blocked kernel for: that
 * is theirs, whether it comes before them (out of blocks) or after them (back).
 */
function layerOf(nodes: Profile['nodes'], i: number): string {
  const { operator, layer } = nodes[i];
  if (operator === 'ReorderOutput') return nodes.slice(i).find((node) => node.layer !== '')?.layer ?? layer;
  if (operator === 'ReorderInput') return nodes.slice(0, i).findLast((node) => node.layer !== '')?.layer ?? layer;
  return layer;
}

/**
 * Where a model's time goes on this machine. Timing every node costs something: the sum is above the latency, and small
 * layers look slower than they are.
 * @throws NasError `invalid-input` for a model that cannot be measured.
 */
export async function profileLayers(model: Uint8Array, config: LocalConfig): Promise<LayerProfile> {
  const { provider, threads, batch } = config;
  requireKnown(provider);
  const profile = await profileModel(
    model,
    { provider, threads },
    async (session) => {
      const feeds = randomFeeds(session, batch);
      for (let run = 0; run < warmupRuns; run++) await session.run(feeds);
      const end = performance.now() + enoughMs;
      for (let run = 0; run < fewestRuns || (run < mostRuns && performance.now() < end); run++)
        await session.run(feeds);
    },
    warmupRuns,
  ).catch((cause: unknown) => {
    throw invalidInput(messageOf(cause), { cause });
  });
  const ms = profile.nodes.reduce((sum, node) => sum + node.ms, 0);
  const layers = new Map<string, { operators: string[]; nodes: number; ms: number }>();
  for (const [i, { name, operator, ms: nodeMs }] of profile.nodes.entries()) {
    const layer = layerOf(profile.nodes, i);
    const key = layer === '' ? name : layer;
    const known = layers.get(key) ?? { operators: [], nodes: 0, ms: 0 };
    if (!known.operators.includes(operator)) known.operators.push(operator);
    known.nodes++;
    known.ms += nodeMs;
    layers.set(key, known);
  }
  return {
    runs: profile.runs,
    ms,
    layers: [...layers].map(([layer, time]) => ({ layer, ...time, share: ms === 0 ? 0 : time.ms / ms })),
  };
}
