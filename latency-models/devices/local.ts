import { invalidInput, messageOf } from '../../base/errors.js';
import {
  createSession,
  integerArithmetic,
  openOnnx,
  profileModel,
  remedyFor,
  requireKnown,
  tryWebGpu,
  type IntegerArithmetic,
  type Profile,
} from '../../compiler/index.js';
import {
  modelOf,
  type Device,
  type LayerProfile,
  type Measurable,
  type Measurement,
  type MeasureOptions,
  type Protocol,
} from '../device.js';
import { describeEnvironment, ownProcessorTime } from '../machine.js';
import { measureSideBySide, type OpenSubject } from '../measure-side-by-side.js';
import { defaultProtocol, timedRuns } from '../protocol.js';
import type { LocalConfig } from '../schema.js';
import { labelHere, randomFeeds, requirePrecision } from './onnx-model.js';
import { counted } from '../../base/text.js';
import { groupBy } from '../../base/group.js';
import { sum } from '../../base/statistics.js';

/**
 * This machine, with ONNX Runtime. Each timed run is a whole `session.run` from JavaScript, including the results on the
 * host. Inputs are seeded standard normal values.
 */
export class LocalDevice implements Device {
  readonly name: string;

  /** @throws NasError `invalid-input` when this build of ONNX Runtime does not know the provider. */
  constructor(private readonly config: LocalConfig) {
    requireKnown(config.provider);
    const { precision: wanted = 'fp32' } = config;
    const precision = wanted === 'fp32' ? '' : `/${wanted}`;
    this.name = `local/${config.provider}/${counted(config.threads, 'thread')}/batch ${config.batch}${precision}`;
  }

  async measureAll(
    subjects: readonly Measurable[],
    protocol: Protocol = defaultProtocol,
    options: MeasureOptions = {},
  ): Promise<Measurement[]> {
    const adapter = this.config.provider === 'webgpu' ? (await tryWebGpu()).adapters.taken?.name : undefined;
    const environment = describeEnvironment(this.name, { ...this.config, adapter });
    const open = subjects.map((subject) => async () => this.open(await modelOf(subject)));
    return measureSideBySide({ open, environment, processorTime: ownProcessorTime }, protocol, options);
  }

  integers(): Promise<IntegerArithmetic> {
    const { provider, threads } = this.config;
    return integerArithmetic((model) => openOnnx(model, 'the probe of integer arithmetic', { provider, threads }));
  }

  private async open(model: Uint8Array): Promise<OpenSubject> {
    const { provider, threads, batch } = this.config;
    const session = await createSession(model, { provider, threads }).catch((cause: unknown) => {
      throw invalidInput(messageOf(cause), {
        hint: provider === 'cpu' ? 'Check that the file is a valid ONNX model.' : remedyFor(provider),
        cause,
      });
    });
    try {
      const feeds = randomFeeds(session, batch);
      const label = await labelHere(model, this.config);
      requirePrecision(label, this.config.precision);
      // Only a single thread of the CPU provider keeps exactly one processor busy.
      const isBusy = provider === 'cpu' && threads === 1;
      const runs = timedRuns(() => session.run(feeds), {
        clock: () => performance.now(),
        ...(isBusy ? { processorTime: ownProcessorTime } : {}),
      });
      return { ...runs, label, close: () => session.release() };
    } catch (error) {
      await session.release();
      throw error;
    }
  }
}

const warmupRuns = 10;
/** Least duration of profiled runs, within these numbers of runs. */
const [enoughMs, minRuns, maxRuns] = [300, 12, 100];

/**
 * The layer of a node. Values are laid out again around layers without a blocked kernel in ONNX Runtime; these nodes belong
 * to that layer, which comes after a ReorderOutput and before a ReorderInput.
 */
function layerOf(nodes: Profile['nodes'], i: number): string {
  const { operator, layer } = nodes[i];
  if (operator === 'ReorderOutput') return nodes.slice(i).find((node) => node.layer !== '')?.layer ?? layer;
  if (operator === 'ReorderInput') return nodes.slice(0, i).findLast((node) => node.layer !== '')?.layer ?? layer;
  return layer;
}

/**
 * Profiles the layers of a model on this machine. Timing every node has an overhead: the sum is above the latency, and small
 * layers seem slower than they are.
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
      for (let run = 0; run < minRuns || (run < maxRuns && performance.now() < end); run++) await session.run(feeds);
    },
    warmupRuns,
  ).catch((cause: unknown) => {
    throw invalidInput(messageOf(cause), { cause });
  });
  const ms = sum(profile.nodes.map((node) => node.ms));
  const layers = groupBy(profile.nodes.keys(), (i) => layerOf(profile.nodes, i) || profile.nodes[i].name);
  return {
    runs: profile.runs,
    ms,
    layers: [...layers].map(([layer, positions]) => {
      const nodes = positions.map((i) => profile.nodes[i]);
      const own = sum(nodes.map((node) => node.ms));
      const operators = [...new Set(nodes.map(({ operator }) => operator))];
      return { layer, operators, nodes: nodes.length, ms: own, share: ms === 0 ? 0 : own / ms };
    }),
  };
}
