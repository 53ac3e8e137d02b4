import type { Environment } from '../../latency-models/index.js';
import type { Objective } from '../../search/index.js';
import {
  bytes,
  count,
  duration,
  epochsText,
  ms,
  percent,
  times,
  valueText,
  type Unit,
} from '../../base/number-text.js';
import { isAccuracy, measureNamed } from '../schema/measures.js';
import type {
  FinalResult,
  MeasureText,
  ReportGroup,
  ReportShrunk,
  ReportVariant,
  RunWorkers,
  ShrunkStage,
} from './data.js';
import type { StoredPrecision } from '../../store/index.js';
import type { HostShare } from '../stored/workers.js';

export { bytes, count, duration, epochsText, ms, percent };

/** What of ONNX Runtime a latency was measured with: `cpu`, `webgpu on AMD Radeon RX 6800`. */
export const providerText = ({ provider, adapter }: Pick<Environment, 'provider' | 'adapter'>): string =>
  adapter === undefined ? provider : `${provider} on ${adapter}`;

/** What a latency was measured on: `Example CPU, 1 thread, batch 1, ONNX Runtime cpu`. */
export const deviceText = (environment: Environment): string => {
  const { cpu, threads, batch } = environment;
  return `${cpu}, ${threads} thread${threads === 1 ? '' : 's'}, batch ${batch}, ONNX Runtime ${providerText(environment)}`;
};

/** A value as tables show it, in its objective's unit. */
export const objectiveValue = (objective: string, value: number | null | undefined): string =>
  valueText(unitOf(objective), value);

/** What a value of this name counts. */
const unitOf = (name: string): Unit => measureNamed(name)?.unit ?? 'score';

/** How an objective is called in text: `latency`. */
export const objectiveTitle = (objective: string): string => measureNamed(objective)?.title ?? objective;

/** The same beside final accuracies: of accuracies, which one it is that the search went by. */
export const searchTitle = (objective: string): string =>
  objective === 'accuracy' ? 'search accuracy' : objectiveTitle(objective);

/** How values of this name are called and written. */
export function measureText(name: string): MeasureText {
  const [title, beside] = [objectiveTitle(name), searchTitle(name)];
  const source = measureNamed(name)?.source;
  return {
    title,
    ...(beside === title ? {} : { searchTitle: beside }),
    unit: unitOf(name),
    ...(source?.kind === 'training' && { evaluation: source.evaluation }),
  };
}

/** How the accuracy is called that final weights reach: of the final training, by what it began from. */
export const finalTitle = (finals: readonly Pick<FinalResult, 'from'>[]): string =>
  finals.some(({ from }) => from === 'supernet') ? 'final accuracy (from supernet)' : 'final accuracy';

/** How the accuracy on the test split is called: where nothing was trained after the search, it is of the search's kind. */
export function testTitle(objectives: readonly Pick<Objective, 'name'>[], finals: readonly FinalResult[]): string {
  const kind = objectives.map(({ name }) => name).find(isAccuracy) ?? 'accuracy';
  const trained = finals.some(({ epochs }) => epochs > 0);
  return trained || kind === 'accuracy' ? 'test accuracy' : `${objectiveTitle(kind)} on the test split`;
}

/**
 * What became of a variant and why: `chosen: 1.93 × as fast, −0.2 points`, `rejected: int8 is 0.71 × as fast ...`.
 * @param chosen what the trial is judged in; null while that is open.
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

type Target = ReportShrunk['target'];

/** What a network was to be cut to: `2 M MACs`, `0.05 ms`. */
export const targetText = ({ objective, value }: Target): string =>
  objective === 'macs' ? `${count(value)} MACs` : ms(value);

/** How a network is called that takes no more of what another was cut to. */
export const withinText: { readonly [O in Target['objective']]: string } = {
  macs: 'of no more MACs',
  latency_ms: 'no slower',
};

/** A trial under its name, with the kind of its accuracy where it is not that of a network trained for itself. */
export const trialTitle = (trial: number, measure: string, within = ''): string =>
  `trial ${trial}${within}${measure === 'accuracy' ? '' : ` (${objectiveTitle(measure)})`}`;

/** A shrunk network beside the one that it came from, and beside what the space itself offers for as much. */
export const shrunkRows = ({ from, cut, tuned, alternative }: ReportShrunk): ShrunkStage[] => [
  from,
  cut,
  tuned,
  ...(alternative === null ? [] : [alternative]),
];

/** Machines that are named one by one. */
const named = 6;

const trialsOf = (shares: readonly HostShare[]): number => shares.reduce((sum, { trials }) => sum + trials, 0);

/** `alder`, or `3 hosts (alder 5 trials, birch 3)`; those without a trial are only counted. */
export function hostsText(hosts: readonly HostShare[]): string {
  if (hosts.length === 1) return hosts[0].host;
  const busy = hosts.filter(({ trials }) => trials > 0);
  const others = busy.slice(named);
  const shares = busy.slice(0, named).map(({ host, trials }, i) => {
    const unit = trials === 1 ? 'trial' : 'trials';
    return i === 0 ? `${host} ${trials} ${unit}` : `${host} ${trials}`;
  });
  if (others.length > 0) shares.push(`${others.length} others ${trialsOf(others)}`);
  return `${hosts.length} hosts${shares.length === 0 ? '' : ` (${shares.join(', ')})`}`;
}

/** `0a1b2c3d4e5f (x64 avx2, ...)`. */
const groupText = ({ group, text }: ReportGroup): string => (text === null ? group : `${group} (${text})`);

/** In what the machines of a run are of one kind or not; nothing where that is not known. */
export function groupsText(groups: readonly ReportGroup[]): string {
  if (groups.length < 2) return groups.map((group) => `group ${groupText(group)}`).join('');
  const parts = groups.map((group) => `${groupText(group)} ${group.taken}`).join(', ');
  return `mixed: trainings by ${groups.length} groups, whose results differ in the last bits: ${parts}`;
}

/** Who works for a run, in a line. */
export function workersText({ queue, hosts, groups }: RunWorkers): string {
  const where = queue === null ? 'this machine now, and a queue before' : `through ${queue}`;
  const who = hosts.length === 0 ? 'nobody has taken anything yet' : hostsText(hosts);
  const kinds = groupsText(groups);
  return `${where}: ${who}${kinds === '' ? '' : `; ${kinds}`}`;
}
