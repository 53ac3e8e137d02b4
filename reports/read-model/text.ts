import { type Certainty, estimateText } from '../../base/certainty.js';
import { bytes, count, duration, epochsText, ms, percent, times, type Unit } from '../../base/number-text.js';
import type { Environment } from '../../latency-models/index.js';
import type { Objective } from '../../search/index.js';
import type { StoredPrecision } from '../../store/index.js';
import { mainScores, meanScoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import { accuracyOf, isAccuracy, isTrainedScore, measureNamed } from '../../experiments/schema/measures.js';
import type { HostShare } from '../../runner/stored/workers.js';
import type { FinalResult, MeasureText, ReportGroup, ReportVariant, RunWorkers } from './data.js';

export { bytes, count, duration, epochsText, ms, percent };

/** Execution provider of a measurement: `cpu`, `webgpu on AMD Radeon RX 6800`. */
export const providerText = ({ provider, adapter }: Pick<Environment, 'provider' | 'adapter'>): string =>
  adapter === undefined ? provider : `${provider} on ${adapter}`;

/** Device of a measurement: `Example CPU, 1 thread, batch 1, ONNX Runtime cpu`. */
export const deviceText = (environment: Environment): string => {
  const { cpu, threads, batch } = environment;
  return `${cpu}, ${threads} thread${threads === 1 ? '' : 's'}, batch ${batch}, ONNX Runtime ${providerText(environment)}`;
};

/** A value of an objective, with its standard error where that is known. */
export const objectiveValue = (objective: string, value: number | null | undefined, certainty?: Certainty): string =>
  estimateText(unitOf(objective), value, certainty?.standardError);

const unitOf = (name: string): Unit => measureNamed(name)?.unit ?? 'score';

/** Title of an objective: `latency`. */
export const objectiveTitle = (objective: string): string => measureNamed(objective)?.title ?? objective;

/** Title of an objective beside final accuracies. */
export const searchTitle = (objective: string): string =>
  isTrainedScore(objective) ? `search ${objectiveTitle(objective)}` : objectiveTitle(objective);

export function measureText(name: string): MeasureText {
  const [title, beside] = [objectiveTitle(name), searchTitle(name)];
  const source = measureNamed(name)?.source;
  return {
    title,
    ...(beside === title ? {} : { searchTitle: beside }),
    unit: unitOf(name),
    ...(source?.kind === 'training' && 'evaluation' in source && { evaluation: source.evaluation }),
  };
}

export const measureTexts = (names: Iterable<string>): Record<string, MeasureText> =>
  Object.fromEntries([...new Set(names)].map((name) => [name, measureText(name)]));

/** Title of the final score, by the weights that the final training started from. */
export const finalTitle = (task: TaskType, finals: readonly Pick<FinalResult, 'from'>[]): string =>
  `final ${mainScores[task].title}${finals.some(({ from }) => from === 'supernet') ? ' (from supernet)' : ''}`;

/** Title of cross-validated scores: `5-fold accuracy`. */
export const foldsTitle = (task: TaskType, finals: readonly Pick<FinalResult, 'folds'>[]): string =>
  `${finals.find(({ folds }) => folds !== undefined)?.folds?.folds ?? 'k'}-fold ${mainScores[task].title}`;

/** A cross-validated score: `85.20 % ± 1.3`; `-` for none. */
export const foldsText = (task: TaskType, result: Pick<FinalResult, 'folds'> | null | undefined): string =>
  result?.folds === undefined ? '-' : meanScoreText(task, result.folds.mean, result.folds.standardError);

/** Title of the test score; without final training it is of the search's kind. */
export function testTitle(
  task: TaskType,
  objectives: readonly Pick<Objective, 'name'>[],
  finals: readonly FinalResult[],
): string {
  const kind = objectives.map(({ name }) => name).find(isAccuracy) ?? accuracyOf('train', task);
  const trained = finals.some(({ epochs }) => epochs > 0);
  return trained || isTrainedScore(kind)
    ? `test ${mainScores[task].title}`
    : `${objectiveTitle(kind)} on the test split`;
}

/**
 * Verdict on a variant: `chosen: 1.93 × as fast, −0.2 points`, `rejected: int8 is 0.71 × as fast ...`.
 * @param chosen the trial's precision; null while undecided
 */
export function verdictText(
  { precision, accepted, reason, detail }: Omit<ReportVariant, 'verdict'>,
  chosen: StoredPrecision | null | undefined,
): string {
  if (accepted === null) return 'not judged yet';
  if (!accepted) return `rejected${reason === null ? '' : `: ${reason}`}`;
  const speed = detail?.speedup === undefined ? [] : [`${times(detail.speedup)} as fast`];
  const why = [...speed, ...(reason === null ? [] : [reason])];
  return `${precision === chosen ? 'chosen' : 'accepted'}${why.length === 0 ? '' : `: ${why.join(', ')}`}`;
}

/** Maximum number of machines that are listed by name. */
const maxNamed = 6;

const trialsOf = (shares: readonly HostShare[]): number => shares.reduce((sum, { trials }) => sum + trials, 0);

/** `alder`, or `3 hosts (alder 5 trials, birch 3)`; hosts without trials are only counted. */
export function hostsText(hosts: readonly HostShare[]): string {
  if (hosts.length === 1) return hosts[0].host;
  const busy = hosts.filter(({ trials }) => trials > 0);
  const others = busy.slice(maxNamed);
  const shares = busy.slice(0, maxNamed).map(({ host, trials }, i) => {
    const unit = trials === 1 ? 'trial' : 'trials';
    return i === 0 ? `${host} ${trials} ${unit}` : `${host} ${trials}`;
  });
  if (others.length > 0) shares.push(`${others.length} others ${trialsOf(others)}`);
  return `${hosts.length} hosts${shares.length === 0 ? '' : ` (${shares.join(', ')})`}`;
}

/** `0a1b2c3d4e5f (x64 avx2, ...)`. */
const groupText = ({ group, text }: ReportGroup): string => (text === null ? group : `${group} (${text})`);

/** Groups of machines that compute the same bits; empty when unknown. */
export function groupsText(groups: readonly ReportGroup[]): string {
  if (groups.length < 2) return groups.map((group) => `group ${groupText(group)}`).join('');
  const parts = groups.map((group) => `${groupText(group)} ${group.taken}`).join(', ');
  return `mixed: trainings by ${groups.length} groups, whose results differ in the last bits: ${parts}`;
}

/** Queue, machines and groups of a run in one line. */
export function workersText({ queue, hosts, groups }: RunWorkers): string {
  const where = queue === null ? 'this machine now, and a queue before' : `through ${queue}`;
  const who = hosts.length === 0 ? 'no worker has taken a job yet' : hostsText(hosts);
  const kinds = groupsText(groups);
  return `${where}: ${who}${kinds === '' ? '' : `; ${kinds}`}`;
}
