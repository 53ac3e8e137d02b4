import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../../base/files.js';
import { costs, type Importance, type Network } from '../../../spaces/index.js';
import type { Model } from '../../../spaces/models/index.js';
import type { NewShrunk, ShrunkRecord } from '../../../store/index.js';
import { saveWeights } from '../../../trainers/index.js';
import type { TrainingContext } from '../context.js';
import { LatencyService } from '../latency/latency.js';
import { shrunkFolder } from '../workdir.js';
import { cutOf, uncut, weightsLeft } from './cut.js';
import { shrunkFiles } from './files.js';
import { counting } from './counting.js';
import { measuringOn, sameDevice } from './measure.js';
import type { SettledRequest } from './request.js';
import { latenciesOf } from './side-by-side.js';

/**
 * Finds what to cut out of a trained network, and keeps what is left as a network of its own; nothing is kept when that
 * does not succeed.
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

/** Cuts a network, and writes its weights and those that are left of them to a folder. */
async function cutInto(
  folder: string,
  context: TrainingContext,
  model: Model,
  request: SettledRequest,
): Promise<NewShrunk> {
  const { plan, store, observe } = context;
  const { trial, target, importance: kind, multiple, epochs, device } = request;
  const { network } = model;
  const measuring = device === null ? null : measuringOn(context, device);
  const predicts = device !== null && sameDevice(device, plan.experiment.latency.device);
  const predictor = predicts ? (new LatencyService(context).models(() => true)?.fp32 ?? null) : null;
  const whole = await uncut(network, request, predictor, measuring);

  observe({ kind: 'phase', name: 'shrink', message: `Finding out which channels of trial ${trial} matter` });
  const files = shrunkFiles(folder);
  saveWeights(model.weights, files.parent);
  const importance = await importanceOf(context, kind, network, files.parent);

  observe({ kind: 'phase', name: 'shrink', message: 'Cutting the channels that matter least for what they cost' });
  const cut = await cutOf(whole, request, importance, measuring);
  saveWeights(weightsLeft(model, importance, cut), files.cut);
  const latencies = measuring === null ? null : await latenciesOf(store, measuring, trial, network, cut.network);
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

/** Importance in a worker, which stops when it is told to. */
async function importanceOf(
  { plan, jobs, observe }: TrainingContext,
  kind: SettledRequest['importance'],
  network: Network,
  weights: string,
): Promise<Importance> {
  const { dataset, threads, experiment } = plan;
  const batch = Math.min(64, experiment.train.batch);
  const options = { kind, network, weights, dataset, seed: experiment.seed, engine: plan.engine, threads, batch };
  const order = {
    id: `importance/${kind}`,
    job: { kind: 'importance', options },
    sharing: 'shared',
  } as const;
  return new Map(Object.entries(await jobs.submit(order, counting(observe)).result));
}
