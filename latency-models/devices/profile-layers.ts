import { invalidInput, messageOf } from '../../base/errors.js';
import { profileModel } from '../../compiler/index.js';
import type { LocalConfig } from '../schema.js';
import { randomFeeds } from './local.js';
import { requireProvider } from '../providers.js';

/** The time of one layer: of all the nodes that ONNX Runtime made of it. */
export interface LayerTime {
  /** The layer's name in the model; a node's own where the model does not tell. */
  readonly layer: string;
  /** ONNX operators that ran for it, in order. */
  readonly operators: readonly string[];
  /** Milliseconds for one batch: the mean over the profiled runs. */
  readonly ms: number;
  /** Share of all layers' time, in [0, 1]. */
  readonly share: number;
}

export interface LayerProfile {
  /** Runs that were counted. */
  readonly runs: number;
  readonly ms: number;
  /** In the order in which they ran. */
  readonly layers: readonly LayerTime[];
}

const [warmupRuns, countedRuns] = [20, 100];

/**
 * Where a model's time goes on this machine. Timing every node costs something: the sum is above the latency, and small
 * layers look slower than they are.
 * @throws NasError `invalid-input` for a model that cannot be measured.
 */
export async function profileLayers(model: Uint8Array, config: LocalConfig): Promise<LayerProfile> {
  const { provider, threads, batch } = config;
  requireProvider(provider);
  const profile = await profileModel(
    model,
    { provider, threads },
    async (session) => {
      const feeds = randomFeeds(session, batch);
      for (let run = 0; run < warmupRuns + countedRuns; run++) await session.run(feeds);
    },
    warmupRuns,
  ).catch((cause: unknown) => {
    throw invalidInput(messageOf(cause), { cause });
  });
  const ms = profile.nodes.reduce((sum, node) => sum + node.ms, 0);
  const layers = new Map<string, { operators: string[]; ms: number }>();
  for (const { layer, name, operator, ms: nodeMs } of profile.nodes) {
    const key = layer === '' ? name : layer;
    const known = layers.get(key) ?? { operators: [], ms: 0 };
    if (!known.operators.includes(operator)) known.operators.push(operator);
    known.ms += nodeMs;
    layers.set(key, known);
  }
  return {
    runs: profile.runs,
    ms,
    layers: [...layers].map(([layer, time]) => ({ layer, ...time, share: ms === 0 ? 0 : time.ms / ms })),
  };
}
