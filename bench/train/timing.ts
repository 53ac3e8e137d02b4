import { z } from 'zod';
import { readFileSync } from 'node:fs';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { activations, blockKinds, type BlockKind, type Network, type StageBlock } from '../../spaces/index.js';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withLargePages } from '../../base/processes.js';

/** One measurement of a training, in a new process. */
export interface TimingJob {
  readonly timed: TimedNetwork;
  /** auto: native where it trains the network, and nothing is asked that the compiled engine alone has. */
  readonly engine: 'auto' | 'compiled' | 'native';
  /** ONNX Runtime execution provider of the compiled engine. */
  readonly provider: string;
  readonly threads: number;
  /** Whether waiting threads keep their core busy; default true. */
  readonly spinning?: boolean;
  /** Number of timed steps, after `warmup` steps. */
  readonly steps: number;
  readonly warmup: number;
  /** false: disables ONNX Runtime's internal blocked layout, as on machines without it. */
  readonly blocked: boolean;
  /** Whether to profile the step: time by operator and layer. */
  readonly profile: boolean;
  /** Whether to time evaluation, too. */
  readonly evaluation: boolean;
}

const share = z.object({ name: z.string(), layer: z.string(), operator: z.string(), ms: z.number() });

export const timingSchema = z.object({
  /** The engine that ran. */
  engine: z.enum(['compiled', 'native']),
  /** Milliseconds of each timed step, in order. */
  samples: z.array(z.number()),
  /** Milliseconds to make the step: trace it, write it as ONNX and open its session; or plan and encode its passes. */
  startup_ms: z.number(),
  /** Trainable scalars. */
  params: z.number(),
  /** Peak resident memory of the process, MiB. */
  memory_mib: z.number(),
  /** Nodes of the step with milliseconds a step; null unless requested. */
  profile: z.array(share).nullable(),
  /** Images a second: evaluation during training, and the exported model in ONNX Runtime; null unless requested. */
  evaluation: z.object({ ours: z.number(), exported: z.number() }).nullable(),
});

/** The result of a measurement. */
export type StepTiming = z.output<typeof timingSchema>;
export type NodeShare = z.output<typeof share>;

export type TimingReply = { readonly timing: StepTiming } | { readonly error: string };

const size = z.number().int().positive();
const conv = {
  filters: size,
  kernel: size,
  stride: z.union([z.literal(1), z.literal(2)]),
  act: z.enum(activations),
};
const se = z.number().min(0).max(1).default(0);
const inverted = { ...conv, expand: z.number().positive(), se, groups: size.optional() };

/** The keys of each kind of block besides its name. */
const blocks = {
  mbconv: { ...inverted, kernel: z.number().int().min(0), before: size.optional() },
  fused_mbconv: inverted,
  separable: { ...conv, se },
  basic: { ...conv, hidden: size.optional() },
  bottleneck: { ...conv, hidden: size, middle: size.optional() },
  conv,
  pooled: conv,
} satisfies { [K in BlockKind]: { [F in keyof Omit<Extract<StageBlock, { kind: K }>, 'kind'>]-?: z.ZodType } };

/** A block, whose kind is `type` in files. */
const blockSchema = z.looseObject({ type: z.enum(blockKinds) }).transform(({ type, ...keys }, context): StageBlock => {
  const { success, data, error } = z.object<z.ZodRawShape>(blocks[type]).safeParse(keys);
  if (success) return { kind: type, ...data } as StageBlock;
  for (const { path, message } of error.issues) context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
});

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
    network: { kind: 'network', ...rest, head: { ...head, dropout: 0 } },
  }));

/** A network and the batch size of its training step. */
export interface TimedNetwork {
  readonly name: string;
  readonly batch: number;
  readonly network: Network;
}

/**
 * Reads networks from a benchmark file: `{"networks": [{name, input: [h, w, c], classes, batch, stem, blocks, head}]}`;
 * `blocks` takes all kinds that stages have (`StageBlock` in `spaces/network.ts`).
 * @throws NasError `invalid-input` with the file and the invalid key
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
 * Times the training of a network in a new process, which has ended when this resolves.
 * @throws NasError when the process fails or dies; the signal's reason when it is aborted
 */
export function timeTraining(job: TimingJob, signal?: AbortSignal): Promise<StepTiming> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./timing-worker.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
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
