import { messageOf, NasError } from '../../base/errors.js';
import { epochsText } from '../../base/number-text.js';
import { mainScores } from '../../base/scores.js';
import type { TrialRecord } from '../../store/index.js';
import { taskOf } from '../../experiments/schema/measures.js';
import type { NetworkTeacher } from '../../trainers/index.js';
import { trialsOf, type Candidate } from '../stored/candidates.js';
import type { Preparations } from '../trainings/preparations.js';
import type { LatencyService } from '../latency/latency.js';
import type { TrainingContext } from '../plan.js';
import { crossValidate } from './folds.js';
import { calibrationMethod, fullyTrained, type Finalist } from './final-training.js';
import { bestTeacher, roundsOf } from './frontier-teacher.js';
import { networksOf, settledFrontier } from './measured-frontier.js';
import { isSaved, save, type FrontierMember } from './save.js';

/** The search that is finished. */
interface Searched {
  /** The file with a trial's weights as the search left them. */
  weights(trial: TrialRecord): Promise<string>;
}

/**
 * Finishes the frontier after the search: its networks are measured side by side, trained on the full schedule (if asked
 * for), and saved as ONNX in each precision in which they are on the frontier. Their accuracy is checked in ONNX Runtime,
 * on the test split for the first time. Folds are trained last (if asked for): the files are there before.
 */
export async function finishFrontier(
  given: TrainingContext,
  latency: LatencyService,
  preparations: Preparations,
  searched: Searched,
): Promise<void> {
  const { stopping } = given;
  const members = await settledFrontier(given, latency);
  if (members.length === 0 || stopping()) return;
  const context = withinBudget(given, members);
  await preparations.compareAtEnd();
  const finalists = await trainedInFull(context, members, preparations);
  if (!stopping()) await saveAll(context, finalists, searched);
  if (!stopping()) await crossValidate(context, finalists, preparations);
}

/** The run with the final training that its budget leaves time for. */
function withinBudget(context: TrainingContext, members: readonly Candidate[]): TrainingContext {
  const { plan, budget, observe } = context;
  const { experiment } = plan;
  const decided = budget?.decideFinal(roundsOf(experiment, trialsOf(members)), observe);
  return decided === undefined ? context : { ...context, plan: { ...plan, experiment: { ...experiment, ...decided } } };
}

/** The trials of the members, each trained once however many precisions it is on the frontier in. */
async function trainedInFull(
  context: TrainingContext,
  members: readonly Candidate[],
  preparations: Preparations,
): Promise<Finalist[]> {
  const { plan, observe, stopping } = context;
  const { final } = plan.experiment;
  const trials = trialsOf(members);
  if (final !== null) {
    const from = final.from === 'supernet' ? ' from the supernet' : '';
    const message = `Training the frontier's ${networksOf(trials)}${from} for ${epochsText(final.epochs)}`;
    observe({ kind: 'phase', name: 'final', message });
  }
  let trained = 0;
  const train = async (trial: TrialRecord, teacher?: NetworkTeacher): Promise<Finalist> => {
    const own = members.filter((member) => member.trial.number === trial.number);
    const precisions = own.map(({ precision }) => precision);
    const finalist = await fullyTrained(context, trial, precisions, preparations, teacher);
    if (final !== null && !stopping())
      observe({ kind: 'progress', phase: 'final', done: ++trained, total: trials.length, unit: 'networks' });
    return finalist;
  };
  const finalists: Finalist[] = [];
  for (const round of roundsOf(plan.experiment, trials)) {
    if (stopping()) break;
    const teacher = bestTeacher(finalists);
    if (teacher !== undefined)
      observe({
        kind: 'note',
        message: `${teacher.name} teaches the final trainings of the ${networksOf(round)} left`,
      });
    finalists.push(...(await Promise.all(round.map((trial) => train(trial, teacher)))));
  }
  return trials.flatMap((trial) => finalists.filter((finalist) => finalist.trial === trial));
}

/** @throws NasError `failure` when some could not be saved, after all others were. */
async function saveAll(context: TrainingContext, finalists: readonly Finalist[], searched: Searched): Promise<void> {
  const { plan, observe, stopping } = context;
  const { title } = mainScores[taskOf(plan.experiment.data)];
  const files = finalists.flatMap((finalist) => finalist.precisions.map((precision) => ({ finalist, precision })));
  const message = `Saving the frontier's ${networksOf(files)} and checking the ${title}`;
  observe({ kind: 'phase', name: 'frontier', message });
  // Networks are quantized side by side; files are written one after the other.
  const ready = files.map(({ finalist, precision }) => {
    if (isSaved(context, finalist.trial.number, precision)) return Promise.resolve(undefined);
    const member = memberOf(context, finalist, precision, searched);
    // Awaited below.
    member.catch(() => undefined);
    return member;
  });
  const unsaved: string[] = [];
  for (const [done, pending] of ready.entries()) {
    if (stopping()) break;
    try {
      const member = await pending;
      if (member !== undefined && !stopping()) await save(context, member);
    } catch (error) {
      if (!stopping()) unsaved.push(`trial ${files[done].finalist.trial.number}: ${messageOf(error)}`);
    }
    observe({ kind: 'progress', phase: 'frontier', done: done + 1, total: files.length, unit: 'networks' });
  }
  await Promise.allSettled(ready);
  if (unsaved.length === 0 || stopping()) return;
  const failed = `${unsaved.length} of ${files.length} networks could not be saved; ${unsaved.join('; ')}`;
  const hint = 'The others are in artifacts/frontier; nas resume tries again with what is missing.';
  throw new NasError('failure', failed, { hint });
}

/** A member with the weights for its file. */
async function memberOf(
  context: TrainingContext,
  finalist: Finalist,
  precision: Candidate['precision'],
  searched: Searched,
): Promise<FrontierMember> {
  const weights = finalist.final?.weights ?? (await searched.weights(finalist.trial));
  if (precision === 'fp32') return { finalist, precision, weights };
  return { finalist, precision, weights, method: await calibrationMethod(context, finalist, weights) };
}
