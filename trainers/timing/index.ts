import { z } from 'zod';
import { readFileSync } from 'node:fs';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { activations, type Network } from '../../spaces/index.js';
import { fork } from 'node:child_process';
import { builtModule, withLargePages } from '../../base/processes.js';

/** One measurement of training, in a process of its own. */
export interface TimingJob {
  readonly timed: TimedNetwork;
  /** ONNX Runtime execution provider. */
  readonly provider: string;
  readonly threads: number;
  /** Whether waiting threads keep their core busy; default true. */
  readonly spinning?: boolean;
  /** Timed steps, after `warmup` steps that are not. */
  readonly steps: number;
  readonly warmup: number;
  /** false: without ONNX Runtime's internal blocked layout, as on machines that lack it. */
  readonly blocked: boolean;
  /** Also profile the step: time by operator and layer. */
  readonly profile: boolean;
  /** Also time evaluation. */
  readonly evaluation: boolean;
}

const share = z.object({ name: z.string(), layer: z.string(), operator: z.string(), ms: z.number() });

export const timingSchema = z.object({
  /** Milliseconds of each timed step, in order. */
  samples: z.array(z.number()),
  /** Milliseconds to trace the step, write it as ONNX and open its session. */
  startup_ms: z.number(),
  /** Trainable scalars. */
  params: z.number(),
  /** Largest resident memory of the process, MiB. */
  memory_mib: z.number(),
  /** Nodes of the step with milliseconds a step; null unless asked for. */
  profile: z.array(share).nullable(),
  /** Images a second: of evaluation during training, and of ONNX Runtime on the exported model; null unless asked for. */
  evaluation: z.object({ ours: z.number(), exported: z.number() }).nullable(),
});

/** What a measurement gives. */
export type Timing = z.output<typeof timingSchema>;
export type NodeShare = z.output<typeof share>;

export type TimingReply = { readonly timing: Timing } | { readonly error: string };

const size = z.number().int().positive();
const conv = {
  filters: size,
  kernel: size,
  stride: z.union([z.literal(1), z.literal(2)]),
  act: z.enum(activations),
};
const inverted = { ...conv, expand: z.number().positive(), se: z.number().min(0).max(1).default(0) };

const blockSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('mbconv'), ...inverted }).transform(({ type: kind, ...block }) => ({ kind, ...block })),
  z
    .object({ type: z.literal('fused_mbconv'), ...inverted })
    .transform(({ type: kind, ...block }) => ({ kind, ...block })),
  z.object({ type: z.literal('basic'), ...conv }).transform(({ type: kind, ...block }) => ({ kind, ...block })),
]);

const networkSchema = z
  .object({
    name: z.string().min(1),
    input: z.tuple([size, size, size]),
    classes: size,
    batch: size,
    stem: z.object(conv),
    blocks: z.array(blockSchema),
    head: z.object({ filters: z.number().int().min(0), act: z.enum(activations) }),
  })
  .transform(({ name, batch, head, ...rest }): TimedNetwork => ({
    name,
    batch,
    network: {
      kind: 'network',
      ...rest,
      head: { ...head, dropout: 0 },
    },
  }));

/** A network and the batch size at which one training step of it is timed. */
export interface TimedNetwork {
  readonly name: string;
  readonly batch: number;
  readonly network: Network;
}

/**
 * Reads networks in the neutral terms of a benchmark file: `{"networks": [{name, input: [h, w, c], classes, batch, stem,
 * blocks, head}]}`; blocks are `mbconv`, `fused_mbconv` or `basic`, as in `spaces/network.ts`.
 * @throws NasError `invalid-input` naming the file and the key that is wrong
 */
export function readTimedNetworks(file: string): TimedNetwork[] {
  const read = (): unknown => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw invalidInput(`${file}: ${messageOf(error)}`, { hint: 'A JSON file with {"networks": [...]} is expected.' });
    }
  };
  const { success, data, error } = z.object({ networks: z.array(networkSchema).min(1) }).safeParse(read());
  if (success) return data.networks;
  const [{ path, message }] = error.issues;
  throw invalidInput(`${file}: ${path.join('.')}: ${message}`);
}

/**
 * Times the training of a network in a new process, which is gone when this resolves.
 * @throws NasError when the process fails or dies; the signal's reason when it is aborted
 */
export function timeTraining(job: TimingJob, signal?: AbortSignal): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const child = fork(builtModule('./worker.js', import.meta.url), {
      execArgv: [],
      env: withLargePages(process.env),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const stop = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    let errors = '';
    let received: TimingReply | undefined;
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('message', (message: TimingReply) => (received = message));
    child.on('error', reject);
    child.on('exit', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      const what = `timing ${job.timed.name}`;
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (received === undefined)
        reject(
          new NasError('failure', `${what}: the process ended with ${killedBy ?? `code ${code}`}\n${errors}`.trim()),
        );
      else if ('error' in received) reject(new NasError('failure', `${what}: ${received.error}`));
      else resolve(timingSchema.parse(received.timing));
    });
    child.send(job);
  });
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
