import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { mean } from '../../base/statistics.js';
import { defaultProtocol } from '../../latency-models/index.js';
import { familyProcessorTime, watchLoad } from '../../latency-models/machine.js';
import { median } from '../../latency-models/statistics.js';
import { choicesOf, sampleGenotype, type Genotype } from '../../spaces/index.js';
import { epochImages, lossSchema, stepsPerEpoch, type TrainConfig } from '../../trainers/index.js';
import { LocalPool } from '../jobs/local-pool.js';
import type { JobRunner } from '../jobs/job-runner.js';
import type { TrainingPlan } from '../plan.js';

/** Networks of the space that are trained, and seconds of training of each from its first step on. */
export interface Sample {
  readonly networks: number;
  readonly seconds: number;
}

/** Seconds of the work on one network, on this machine. */
export interface Measured {
  /** A training, while all workers train. */
  readonly training: (config: TrainConfig) => number;
  /** Before the first step of a training. */
  readonly start: number;
  /** A step. */
  readonly step: number;
  /** A measurement of latency; 0 where the run measures none. */
  readonly latency: number;
  /** Counting its instructions; 0 where the run counts none. */
  readonly counting: number;
  /** Share of the processors that other programs left. */
  readonly free: number;
}

/** Time of a forward pass over an image as a share of a training step's. */
export const forward = 1 / 3;
/** Images whose statistics a short training ends with. */
const statisticsImages = 2048;

/** Speed of the training of a network on this machine. */
interface Pace {
  /** Seconds before the first step. */
  readonly start: number;
  /** Seconds of a step. */
  readonly step: number;
  /** Whether the steps' seconds contain the evaluations after epochs. */
  readonly evaluated: boolean;
}

/** Programs that fill all processors share them with another one. */
const leastFree = 0.1;

/** Does work with the processes of this machine that a run would have, in a folder that is removed after it. */
export async function inPool<T>(
  plan: TrainingPlan,
  signal: AbortSignal,
  work: (plan: TrainingPlan, jobs: JobRunner) => Promise<T>,
  workers = (size: number): JobRunner => new LocalPool({ size, retries: 0 }),
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-estimate-'));
  const jobs = workers(plan.experiment.search.parallel);
  const stop = (): void => jobs.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work({ ...plan, workdir: folder }, jobs);
  } finally {
    signal.removeEventListener('abort', stop);
    await jobs.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Trains random networks of a run's space on its images for some steps each, with its engine and as many at once as it has workers,
 * and measures the latency or counts the instructions of one, where the run does. The mean of their times stands for all networks,
 * although a search may come to prefer smaller or larger ones.
 */
export async function measure(plan: TrainingPlan, jobs: JobRunner, sample: Sample): Promise<Measured> {
  const { experiment, space } = plan;
  const random = new Random(experiment.seed, 'estimate');
  const genotypes = Array.from({ length: sample.networks }, () => sampleGenotype(space, random));
  const load = watchLoad(() => familyProcessorTime());
  const measuredPaces = await Promise.all(
    genotypes.map((genotype, i) => paceOf({ plan, jobs, seconds: sample.seconds }, genotype, i)),
  );
  const { others, cores } = load();
  // The first job of a worker waits for its process.
  const start = median(measuredPaces.map((pace) => pace.start));
  const paces = measuredPaces.map((pace) => ({ ...pace, start }));
  return {
    training: (config) => mean(paces.map((pace) => secondsOf(plan, config, pace))),
    start,
    step: mean(paces.map(({ step }) => step)),
    latency: await measured(plan, jobs, genotypes[0]),
    counting: await counted(plan, jobs, genotypes[0]),
    free: Math.max(leastFree, 1 - others / cores),
  };
}

/** Seconds of a whole training. */
function secondsOf({ data }: TrainingPlan, train: TrainConfig, { start, step, evaluated }: Pace): number {
  const { batch, epochs, epoch_share: share } = train;
  const shown = epochImages(data, train.loss?.type !== 'cross-entropy');
  const steps = epochs * stepsPerEpoch(shown, { batch, dropLast: true, share });
  const evaluations = evaluated ? 0 : epochs * data.counts.validation;
  const images = evaluations + Math.min(statisticsImages, data.counts.train);
  return start + steps * step + (images / batch) * step * forward;
}

/** Trains a network of the space for some seconds. */
async function paceOf(
  { plan, jobs, seconds }: { readonly plan: TrainingPlan; readonly jobs: JobRunner; readonly seconds: number },
  genotype: Genotype,
  i: number,
): Promise<Pace> {
  const { experiment, dataset, engine, threads, space, workdir, data } = plan;
  const { train, search } = experiment;
  const steps = stepsPerEpoch(data.counts.train, { batch: train.batch, dropLast: true, share: train.epoch_share });
  let began = Date.now();
  let epochs = 0;
  const reports: StepReport[] = [];
  const submitted = jobs.submit(
    {
      id: `estimate/${i}`,
      job: {
        kind: 'train',
        fit: {
          network: space.build(genotype),
          seed: experiment.seed,
          train: { ...train, loss: lossSchema.parse({ type: 'cross-entropy' }) },
          dataset,
          teacher: null,
          engine,
          threads,
          sharedCores: search.parallel > 1,
          directory: join(workdir, String(i)),
        },
      },
      sharing: 'shared',
    },
    {
      started: () => (began = Date.now()),
      event: (event) => {
        if (event.kind === 'epoch') epochs++;
        if (event.kind !== 'progress') return;
        const report = { at: Date.now(), step: event.progress.epoch * steps + event.progress.step, epochs };
        reports.push(report);
        if (report.at - reports[0].at > 1000 * seconds) submitted.cancel();
      },
    },
  );
  await submitted.result;
  return paceBetween({ at: began, step: 0, epochs: 0 }, reports);
}

/** A report of a training: time in ms, and the steps and epochs that are done. */
interface StepReport {
  readonly at: number;
  readonly step: number;
  readonly epochs: number;
}

/**
 * The median time of a step between two reports, which other work on the machine disturbs least. Times between reports of
 * different epochs contain an evaluation and count only where there are no others.
 */
export function paceBetween(start: StepReport, reports: readonly StepReport[]): Pace {
  const timed = reports.length > 1 ? reports : [start, ...reports];
  const times = timed.slice(1).flatMap((report, i) => {
    const before = timed[i];
    const taken = report.step - before.step;
    const step = (report.at - before.at) / 1000 / taken;
    return taken > 0 ? [{ step, evaluated: report.epochs > before.epochs }] : [];
  });
  const alone = times.filter(({ evaluated }) => !evaluated);
  const used = alone.length > 0 ? alone : times;
  return {
    start: ((reports.at(0) ?? start).at - start.at) / 1000,
    step: used.length === 0 ? 0 : median(used.map(({ step }) => step)),
    evaluated: alone.length === 0,
  };
}

/** Seconds of the measurement of a network's latency, where the run measures; the first one, which also starts the device, does not count. */
async function measured(plan: TrainingPlan, jobs: JobRunner, genotype: Genotype): Promise<number> {
  if (plan.experiment.latency.from !== undefined || !plan.sources.has('latency')) return 0;
  await measuredOnce(plan, jobs, genotype, 'first');
  return measuredOnce(plan, jobs, genotype, 'second');
}

/** Seconds in which the instructions of a network are counted; 0 where none are. */
async function counted({ experiment, space }: TrainingPlan, jobs: JobRunner, genotype: Genotype): Promise<number> {
  const { core, seed } = experiment;
  if (!core) return 0;
  const began = Date.now();
  const job = { kind: 'instructions', candidate: { network: space.build(genotype), seed }, core } as const;
  await jobs.submit({ id: 'estimate/instructions', job, sharing: 'shared' }).result;
  return (Date.now() - began) / 1000;
}

async function measuredOnce(plan: TrainingPlan, jobs: JobRunner, genotype: Genotype, id: string): Promise<number> {
  const { space, experiment, task } = plan;
  const began = Date.now();
  await jobs.submit({
    id: `estimate/latency/${id}`,
    job: {
      kind: 'measure',
      candidates: [
        { network: space.build(genotype), seed: experiment.seed, choices: choicesOf(space.decisions, genotype) },
      ],
      space: { config: experiment.space, task },
      device: experiment.latency.device,
      protocol: defaultProtocol,
      id,
    },
    sharing: 'exclusive',
  }).result;
  return (Date.now() - began) / 1000;
}
