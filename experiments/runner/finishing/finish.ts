import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import type { Network } from '../../../spaces/index.js';
import type { TrialRecord, WeightsOrigin } from '../../../store/index.js';
import { searchBeginning } from '../../schema.js';
import type { TrainingContext } from '../context.js';
import { accuracyAmong } from '../../measures.js';
import { epochsText } from '../../report/format.js';
import { frontierTrials } from '../loop/frontier.js';
import type { LatencyService } from '../latency/latency.js';
import { latencyValue } from '../latency/value.js';
import { modelMetadata, weightsKind } from './metadata.js';
import type { Preparations } from '../jobs/preparations.js';
import { train } from '../jobs/training.js';
import { frontierModel } from '../workdir.js';

/** What a full training came to. */
interface FullTraining {
  readonly accuracy: number;
  readonly epochs: number;
  readonly seconds: number;
  /** File of the weights. */
  readonly weights: string;
  readonly from: WeightsOrigin;
}

/** A frontier member, and its full training; null when there was none, or it failed. */
interface Member {
  readonly trial: TrialRecord;
  readonly network: Network;
  readonly final: FullTraining | null;
}

/** The file with a trial's weights as the search left them. */
export type SearchedWeights = (trial: TrialRecord) => Promise<string>;

/**
 * What follows the search: the frontier's networks are measured side by side, trained on the full schedule (if asked
 * for), saved as ONNX, and their accuracy is checked through ONNX Runtime, on the test split for the first time.
 */
export async function finishFrontier(
  context: TrainingContext,
  latency: LatencyService,
  preparations: Preparations,
  searched: SearchedWeights,
): Promise<void> {
  const { plan, observe, stopping } = context;
  const { final } = plan.experiment;
  const trials = await settledFrontier(context, latency);
  if (trials.length === 0 || stopping()) return;
  const networks = networksOf(trials);
  if (final !== null) {
    const begun = final.from === 'supernet' ? ' from the supernet' : '';
    const message = `Training the frontier's ${networks}${begun} for ${epochsText(final.epochs)}`;
    observe({ kind: 'phase', name: 'final', message });
  }
  let trained = 0;
  const members = await Promise.all(
    trials.map(async (trial) => {
      const member = await fullyTrained(context, trial, preparations);
      if (final !== null && !stopping())
        observe({ kind: 'progress', phase: 'final', done: ++trained, total: trials.length, unit: 'networks' });
      return member;
    }),
  );
  if (stopping()) return;
  observe({ kind: 'phase', name: 'frontier', message: `Saving the frontier's ${networks} and checking the accuracy` });
  const unsaved: string[] = [];
  for (const [done, member] of members.entries()) {
    if (stopping()) return;
    await save(context, member, searched).catch((error: unknown) => {
      if (!stopping()) unsaved.push(`trial ${member.trial.number}: ${messageOf(error)}`);
    });
    observe({ kind: 'progress', phase: 'frontier', done: done + 1, total: members.length, unit: 'networks' });
  }
  if (unsaved.length === 0 || stopping()) return;
  const message = `${unsaved.length} of ${members.length} networks could not be saved; ${unsaved.join('; ')}`;
  const hint = 'The others are in artifacts/frontier; nas resume tries again with what is missing.';
  throw new NasError('failure', message, { hint });
}

const networksOf = ({ length }: readonly TrialRecord[]): string => (length === 1 ? 'network' : `${length} networks`);

/**
 * The frontier after its members were measured side by side; these latencies are the ones that are reported. A new
 * latency may let another trial in, which then is measured too, with all others.
 */
export async function settledFrontier(context: TrainingContext, latency: LatencyService): Promise<TrialRecord[]> {
  const { plan, store, candidates, observe, stopping } = context;
  for (;;) {
    const measured = store.measurements.all().filter(({ purpose }) => purpose === 'frontier');
    const latest = new Map(measured.map((record) => [record.trial, latencyValue(record)]));
    const trials = store.trials.all();
    for (const { number, values } of trials) {
      const latency = latest.get(number);
      if (latency !== undefined && latency.value !== values['latency_ms'].value)
        store.trials.revise(number, { latency_ms: latency });
    }
    const members = frontierTrials(store.trials.all(), plan.experiment.objectives);
    if (!plan.sources.has('latency') || stopping() || members.every(({ number }) => latest.has(number))) return members;
    observe({
      kind: 'phase',
      name: 'frontier',
      message: `Measuring the frontier's ${networksOf(members)} side by side`,
    });
    const subjects = members.map(({ number, genotype, seed }) => ({
      genotype,
      candidate: { network: candidates.network(genotype), seed },
      trial: number,
    }));
    if (!(await latency.measureAgain(subjects, 'frontier'))) return members;
  }
}

/** The member with its final training, where there is one and it did not fail. */
async function fullyTrained(context: TrainingContext, trial: TrialRecord, preparations: Preparations): Promise<Member> {
  const { plan, store, candidates, observe } = context;
  const { number, genotype, seed } = trial;
  const network = candidates.network(genotype);
  const asSearched: Member = { trial, network, final: null };
  const { final } = plan.experiment;
  const known = store.finals.all().find((record) => record.trial === number);
  if (final === null || known?.state === 'failed') return asSearched;
  const { from, ...config } = final;
  const teacher = await preparations.teacher(config);
  const began = Date.now();
  const request = { stage: 'final', number, network, seed, train: config, teacher } as const;
  const outcome = await train(context, { ...request, initial: await preparations.initial(from, genotype) });
  if ('failed' in outcome) {
    store.finals.finish(number, {
      state: 'failed',
      epochs: final.epochs,
      seconds: seconds(began),
      from,
      message: outcome.failed,
    });
    observe({ kind: 'trial-finished', stage: 'final', number, state: 'failed', values: {}, message: outcome.failed });
    return asSearched;
  }
  if (outcome.result.state !== 'complete') return asSearched;
  const { accuracy, weights, curve } = outcome.result;
  observe({ kind: 'trial-finished', stage: 'final', number, state: 'complete', values: { accuracy } });
  const spent = curve.reduce((sum, epoch) => sum + epoch.seconds, 0);
  return { trial, network, final: { accuracy, epochs: final.epochs, seconds: spent, weights, from } };
}

/** Writes a member's ONNX file and stores what ONNX Runtime says of its accuracy. */
async function save(context: TrainingContext, member: Member, searched: SearchedWeights): Promise<void> {
  const { plan, jobs, store, observe } = context;
  const { trial, network, final } = member;
  const { number, seed } = trial;
  const known = store.finals.all().find((record) => record.trial === number);
  if (known?.state === 'complete') return;
  const weights = final?.weights ?? (await searched(trial));
  const from = final?.from ?? searchBeginning(plan.experiment);
  const path = frontierModel(number);
  const order = {
    id: `export/${number}`,
    job: {
      kind: 'export',
      candidate: { network, seed, weights },
      path: join(plan.workdir, path),
      metadata: {
        ...modelMetadata(plan, trial, network, store.measurements.of(number).at(-1)),
        weights: weightsKind(plan.experiment, final),
      },
      dataset: plan.dataset,
      threads: plan.threads,
    },
    sharing: 'shared',
    inputs: [
      { path: plan.dataset.directory, hash: plan.data.hash },
      { path: weights, hash: contentHash(readFileSync(weights)) },
    ],
  } as const;
  const exported = await jobs.submit(order).result;
  const trainedAccuracy = final?.accuracy ?? accuracyAmong(trial.values)?.value;
  const { validation, test } = exported.accuracy;
  if (trainedAccuracy !== undefined && Math.abs(validation - trainedAccuracy) > tolerance)
    observe({
      kind: 'warning',
      message: `trial ${number}: ONNX Runtime finds ${percent(validation)} validation accuracy, training found ${percent(trainedAccuracy)}`,
    });
  store.transaction(() => {
    const stage = final === null ? 'search' : 'final';
    store.artifacts.add(
      { stage, trial: number },
      { kind: 'onnx', path, sha256: exported.sha256, bytes: exported.bytes },
    );
    // A final training that failed has its record already; without one, only the test accuracy is new.
    if (known === undefined)
      store.finals.finish(number, {
        state: 'complete',
        testAccuracy: test,
        epochs: final?.epochs ?? 0,
        seconds: final?.seconds ?? 0,
        from,
        ...(final === null ? {} : { accuracy: final.accuracy }),
      });
  });
}

/** Folding batch normalisation into convolutions may flip a few images at the border between two classes. */
const tolerance = 0.002;

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

const seconds = (since: number): number => (Date.now() - since) / 1000;
