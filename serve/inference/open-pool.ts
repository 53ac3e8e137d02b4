import { availableParallelism } from 'node:os';
import { invalidInput } from '../../base/errors.js';
import { batchThatPays, ServiceTime } from '../scheduler/service-time.js';
import type { Frontier } from '../models/model.js';
import { calibrate } from './calibrate.js';
import { pixelLayout } from './pixel-layout.js';
import { inlineRunner, type Runner } from './runner.js';
import type { InferencePool, PoolOptions } from './pool.js';
import { QueuedPool, type MeasuredModel } from './queued-pool.js';
import { threadRunner } from './thread-runner.js';

/** Networks faster than this are computed inline: a message to a thread and back takes a third of it. */
const inlineBelowMs = 0.3;

/**
 * Opens the networks of a frontier and measures their batches on one worker; batch times in `known` are not measured again.
 * @throws NasError `invalid-input` when a model cannot be opened or fails, or an option is out of range
 */
export async function openPool(options: PoolOptions): Promise<InferencePool> {
  const { frontier, maxBatch, maxQueue, onBatch = () => undefined, onWarning = () => undefined } = options;
  checkOptions(options);
  const onThread = (): Promise<Runner> => threadRunner(frontier.models, maxBatch);
  const inLine = (): Promise<Runner> => inlineRunner(frontier.models);

  const first = await (options.workers === 'inline' ? inLine() : onThread());
  const runners = [first];
  try {
    const models = await measureAll(first, options);
    const workers = workersFor(options.workers, models, frontier);
    if (workers === 0 && options.workers !== 'inline')
      await Promise.all(runners.splice(0).map((runner) => runner.close()));
    const start = workers === 0 ? inLine : onThread;
    while (runners.length < Math.max(1, workers)) runners.push(await start());
    return new QueuedPool({ frontier, models, workers, maxQueue, runners, start, onBatch, onWarning });
  } catch (error) {
    await Promise.all(runners.map((runner) => runner.close()));
    throw error;
  }
}

async function measureAll(
  runner: Runner,
  { frontier, maxBatch, known, onProgress }: PoolOptions,
): Promise<MeasuredModel[]> {
  const measured: MeasuredModel[] = [];
  const layout = pixelLayout(frontier.models);
  for (const [network, model] of frontier.models.entries()) {
    onProgress?.(network, frontier.models.length);
    const { times, outputs } = await calibrate(runner, network, model, {
      layout,
      maxBatch,
      known: known?.get(model.sha256),
    });
    const service = new ServiceTime(times);
    const most = batchThatPays(times, { most: maxBatch });
    measured.push({ model, times, maxBatch: most, ms: service.ms, outputs, service });
  }
  onProgress?.(frontier.models.length, frontier.models.length);
  return measured;
}

/** Number of threads; 0: inline. */
function workersFor(wanted: PoolOptions['workers'], models: readonly MeasuredModel[], { choice }: Frontier): number {
  if (wanted === 'inline') return 0;
  if (wanted !== 'auto') return wanted;
  const deciding = choice.length === 0 ? models : models.filter(({ model }) => choice.includes(model));
  return deciding.every(({ times }) => (times.get(1) ?? Infinity) < inlineBelowMs) ? 0 : availableParallelism();
}

function checkOptions({ workers, maxQueue, maxBatch }: PoolOptions): void {
  if (typeof workers === 'number' && !(Number.isInteger(workers) && workers >= 1))
    throw invalidInput(`the number of workers is ${workers}, not a whole number from 1 on`);
  if (!(Number.isInteger(maxQueue) && maxQueue >= 1))
    throw invalidInput(`the queue length is ${maxQueue}, not a whole number from 1 on`);
  if (!(Number.isInteger(Math.log2(maxBatch)) && maxBatch >= 1))
    throw invalidInput(`the largest batch is ${maxBatch}, not a power of two from 1 on`);
}
