import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput, NasError } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { count, ms as milliseconds } from '../../base/number-text.js';
import type { DeviceConfig, LatencyModel } from '../../latency-models/index.js';
import {
  channelGroups,
  costs,
  cutsOf,
  keptChannels,
  type Cut,
  type Importance,
  type Network,
} from '../../spaces/index.js';
import { cutWeights, type Model } from '../../spaces/models/index.js';
import type { NewShrunk, ShrunkRecord } from '../../store/index.js';
import { saveWeights, type ImportanceKind } from '../../trainers/index.js';
import { shrunkFiles, shrunkFolder } from '../stored/workdir.js';
import { LatencyService } from '../latency/latency.js';
import type { TrainingContext } from '../plan.js';
import { counting, latenciesOf, measurerOn, sameDevice, type DeviceMeasurer } from './measure.js';

export interface ShrinkRequest {
  /** Number of the trial whose trained network is cut. */
  readonly trial: number;
  /** The budget: milliseconds for one batch on the device, or multiply-accumulates for one image. */
  readonly target: { readonly objective: 'latency_ms' | 'macs'; readonly value: number };
  readonly importance: ImportanceKind;
  /** New widths are multiples of this. */
  readonly multiple: number;
  /** Epochs of the fine-tuning; default: half of `train.epochs`, at least 1. */
  readonly epochs?: number | undefined;
  /** The device to measure latency on; default: the run's device. */
  readonly device?: DeviceConfig | undefined;
}

/** A request with its defaults; `device` is null when no latency is measured. */
export interface SettledRequest extends Omit<ShrinkRequest, 'epochs' | 'device'> {
  readonly epochs: number;
  readonly device: DeviceConfig | null;
}

/**
 * Cuts a trained network to a budget, and stores the result; stores nothing when that fails.
 * @throws NasError `infeasible` when no cut meets the budget; `invalid-input` when none is needed, or none possible
 */
export async function begin(context: TrainingContext, model: Model, request: SettledRequest): Promise<ShrunkRecord> {
  const { plan, store } = context;
  const folder = join(plan.workdir, shrunkFolder(store.shrunk.all().length));
  makeDirectory(folder);
  try {
    const number = store.shrunk.begin(await cutInto(folder, context, model, request));
    const record = store.shrunk.get(number);
    if (record === undefined) throw new Error(`shrunk network ${number} was not kept`);
    return record;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Cuts a network, and writes its weights and the remaining ones to a folder. */
async function cutInto(
  folder: string,
  context: TrainingContext,
  model: Model,
  request: SettledRequest,
): Promise<NewShrunk> {
  const { plan, store, observe } = context;
  const { trial, target, importance: kind, multiple, epochs, device } = request;
  const { network } = model;
  const measurer = device === null ? null : measurerOn(context, device);
  const predicts = device !== null && sameDevice(device, plan.experiment.latency.device);
  const predictor = predicts ? (new LatencyService(context).models(() => true)?.fp32 ?? null) : null;
  const whole = await uncut(network, request, predictor, measurer);

  observe({ kind: 'phase', name: 'shrink', message: `Finding out which channels of trial ${trial} matter` });
  const files = shrunkFiles(folder);
  saveWeights(model.weights, files.parent);
  const importance = await importanceOf(context, kind, network, files.parent);

  observe({ kind: 'phase', name: 'shrink', message: 'Cutting the channels that matter least for what they cost' });
  const cut = await cutOf(whole, request, importance, measurer);
  const groups = channelGroups(network);
  saveWeights(cutWeights(model.weights, groups, keptChannels(groups, importance, cut.widths)), files.cut);
  const latencies = measurer === null ? null : await latenciesOf(store, measurer, trial, network, cut.network);
  const { macs, params } = costs(cut.network);
  return {
    parent: trial,
    network: cut.network,
    target,
    importance: kind,
    multiple,
    widths: Object.fromEntries(cut.widths),
    macs,
    params,
    latencies,
    epochs,
  };
}

/** Has a worker compute the importance of channels. */
async function importanceOf(
  { plan, jobs, observe }: TrainingContext,
  kind: SettledRequest['importance'],
  network: Network,
  weights: string,
): Promise<Importance> {
  const { dataset, threads, experiment } = plan;
  const batch = Math.min(64, experiment.train.batch);
  const options = { kind, network, weights, dataset, seed: experiment.seed, engine: plan.engine, threads, batch };
  const order = { id: `importance/${kind}`, job: { kind: 'importance', options }, sharing: 'shared' } as const;
  return new Map(Object.entries(await jobs.submit(order, counting(observe)).result));
}

interface Uncut {
  readonly network: Network;
  /** The cost to reduce: MACs, or predicted milliseconds. */
  readonly cost: (network: Network) => number;
  /** Measured latency; null when the budget is one of MACs. */
  readonly ms: number | null;
}

const macsOf = (network: Network): number => costs(network).macs;

/** @throws NasError `invalid-input` when the network is within the budget already */
async function uncut(
  network: Network,
  { trial, target: { objective, value } }: SettledRequest,
  predictor: LatencyModel | null,
  measurer: DeviceMeasurer | null,
): Promise<Uncut> {
  const ms = objective === 'macs' || measurer === null ? null : await latencyOf(measurer, network);
  const has = ms ?? macsOf(network);
  if (has <= value)
    throw invalidInput(`trial ${trial} has ${amount(objective, has)} already, which is within the budget`, {
      hint: 'Ask for less.',
    });
  const predicted = ms === null || predictor === null ? null : predictor;
  return { network, cost: predicted === null ? macsOf : (cut) => predicted.predict(cut).ms, ms };
}

const latencyOf = async (measurer: DeviceMeasurer, network: Network): Promise<number> =>
  (await measurer.measure([network])).ms[0];

/** `2 M MACs`, `0.05 ms`. */
const amount = (objective: SettledRequest['target']['objective'], value: number): string =>
  objective === 'macs' ? `${count(value)} MACs` : milliseconds(value);

/**
 * The largest of ever smaller networks that meets the request: in MACs exactly, in latency as measured.
 * @throws NasError `infeasible` when even the smallest is over the budget; `invalid-input` when no channel can be cut
 */
async function cutOf(
  { network, cost, ms }: Uncut,
  { trial, target, multiple }: SettledRequest,
  importance: Importance,
  measurer: DeviceMeasurer | null,
): Promise<Cut> {
  const { objective, value } = target;
  const cuts = [...cutsOf(network, importance, { multiple, cost })];
  if (cuts.length === 0)
    throw invalidInput(`no channel of trial ${trial} can be cut in multiples of ${multiple}`, {
      hint: 'Widths of cells and of grouped convolutions stay as they are; others may do with a smaller --multiple.',
    });
  const unreachable = (smallest: number): NasError =>
    new NasError(
      'infeasible',
      `no cut meets ${amount(objective, value)}: the smallest network that is left comes to ${amount(objective, smallest)}`,
      { hint: 'Ask for more, choose a smaller --multiple, or shrink another trial.' },
    );
  if (ms === null || measurer === null) {
    const found = cuts.find((cut) => cut.cost <= value);
    if (found === undefined) throw unreachable(cuts[cuts.length - 1].cost);
    return found;
  }
  const found = await cutToLatency(cuts, { cost: cost(network), ms }, value, (cut) => latencyOf(measurer, cut.network));
  if ('smallest' in found) throw unreachable(found.smallest);
  return found.cut;
}

/** A latency this share below the budget is close enough. */
const tolerance = 0.05;

const mostMeasured = 10;

/** After this many measurements without success, the smallest network is tried. */
const patience = 5;

/** A cut (by its position; -1: nothing is cut) and its latency in ms. */
interface Measured {
  readonly position: number;
  readonly cost: number;
  readonly ms: number;
}

/** The first position after `low` whose cost is at most this, before `end`. */
function positionOf(cuts: readonly Cut[], cost: number, low: number, end: number): number {
  const found = cuts.findIndex((cut, position) => position > low && cut.cost <= cost);
  return Math.min(found === -1 ? end : found, end);
}

/**
 * One of ever smaller networks whose measured latency meets a budget and is not much below it. The search interpolates:
 * it takes latency to be linear in cost between the networks that were measured.
 *
 * @param cuts at least one, by falling cost
 * @param whole cost and latency (ms) of the network before any cut, which is over the budget
 * @param measure the latency of a cut in ms
 * @returns `smallest`, a latency, when even the last cut is over the budget
 */
export async function cutToLatency(
  cuts: readonly Cut[],
  whole: { readonly cost: number; readonly ms: number },
  budget: number,
  measure: (cut: Cut) => Promise<number>,
): Promise<{ readonly cut: Cut; readonly ms: number } | { readonly smallest: number }> {
  const last = cuts.length - 1;
  let low: Measured = { position: -1, ...whole };
  let high: Measured | null = null;
  for (let tried = 0; tried < mostMeasured && low.position < last; tried++) {
    const position = next(cuts, low, high, budget, tried >= patience);
    if (position === null) break;
    const { cost } = cuts[position];
    const measured: Measured = { position, cost, ms: await measure(cuts[position]) };
    if (measured.ms > budget) low = measured;
    else high = measured;
    if (high !== null && high.ms >= (1 - tolerance) * budget) break;
  }
  return high === null ? { smallest: low.ms } : { cut: cuts[high.position], ms: high.ms };
}

/** The next position to measure; null when none is left between a cut over the budget and one that meets it. */
function next(
  cuts: readonly Cut[],
  low: Measured,
  high: Measured | null,
  budget: number,
  impatient: boolean,
): number | null {
  const last = cuts.length - 1;
  if (high === null) return impatient ? last : positionOf(cuts, (low.cost * budget) / low.ms, low.position, last);
  if (high.position - low.position <= 1) return null;
  const share = (budget - high.ms) / (low.ms - high.ms);
  const guess = positionOf(cuts, high.cost + share * (low.cost - high.cost), low.position, high.position - 1);
  return Math.max(guess, low.position + 1);
}
