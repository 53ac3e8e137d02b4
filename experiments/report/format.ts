import type { Environment } from '../../latency-models/index.js';
import type { Objective } from '../../search/index.js';
import { isAccuracy, measureNamed, type Measure } from '../measures.js';

import type { FinalResult } from './data.js';

type Unit = Measure['unit'];

const significant = (value: number, digits: number): string =>
  Number(value.toPrecision(digits)).toLocaleString('en-US', { maximumFractionDigits: 6 });

const scaled = (value: number, base: number, suffixes: readonly string[]): string => {
  let i = 0;
  while (Math.abs(value) >= base && i < suffixes.length - 1) {
    value /= base;
    i++;
  }
  return `${significant(value, 3)}${suffixes[i] ?? ''}`;
};

/** What of ONNX Runtime a latency was measured with: `cpu`, `webgpu on AMD Radeon RX 6800`. */
export const providerText = ({ provider, adapter }: Pick<Environment, 'provider' | 'adapter'>): string =>
  adapter === undefined ? provider : `${provider} on ${adapter}`;

/** 0.9123 as `91.23 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Milliseconds with three significant digits: `1.23 ms`. */
export const ms = (value: number): string => `${significant(value, 3)} ms`;

/** 1,234,567 as `1.23 M`. */
export const count = (value: number): string => scaled(value, 1000, ['', ' k', ' M', ' G', ' T']);

/** Bytes in binary units: `1.5 MiB`. */
export const bytes = (value: number): string => scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);

/** Seconds as people say them: `45 s`, `12 min`, `3 h 05 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** `1 epoch`, `3 epochs`. */
export const epochsText = (epochs: number): string => (epochs === 1 ? '1 epoch' : `${epochs} epochs`);

/** A share as a percentage; a value beyond 1 is none (tables may hold accuracies in percent) and stays as it is. */
const share = (value: number): string => (isShare(value) ? percent(value) : significant(value, 4));

const isShare = (value: number): boolean => Math.abs(value) <= 1;

const score = (value: number): string => significant(value, 4);

const byUnit: { readonly [U in Unit]: (value: number) => string } = { share, ms, count, bytes, score };

/** A value as tables show it, in its objective's unit. */
export function objectiveValue(objective: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  return byUnit[measureNamed(objective)?.unit ?? 'score'](value);
}

/** How an objective is called in text: `latency`. */
export const objectiveTitle = (objective: string): string => measureNamed(objective)?.title ?? objective;

/** The same beside final accuracies: of accuracies, which one it is that the search went by. */
export const searchTitle = (objective: string): string =>
  objective === 'accuracy' ? 'search accuracy' : objectiveTitle(objective);

/** How the accuracy is called that final weights reach: of the final training, by what it began from. */
export const finalTitle = (finals: readonly Pick<FinalResult, 'from'>[]): string =>
  finals.some(({ from }) => from === 'supernet') ? 'final accuracy (from supernet)' : 'final accuracy';

/** How the accuracy on the test split is called: where nothing was trained after the search, it is of the search's kind. */
export function testTitle(objectives: readonly Pick<Objective, 'name'>[], finals: readonly FinalResult[]): string {
  const kind = objectives.map(({ name }) => name).find(isAccuracy) ?? 'accuracy';
  const trained = finals.some(({ epochs }) => epochs > 0);
  return trained || kind === 'accuracy' ? 'test accuracy' : `${objectiveTitle(kind)} on the test split`;
}

/** An axis of a chart: how its ticks are written and what its title adds. */
export interface Axis {
  readonly title: string;
  /** d3-format. */
  readonly format: string;
}

const plain = { suffix: '', format: '~g' };

const axes: { readonly [U in Unit]: { readonly suffix: string; readonly format: string } } = {
  share: { suffix: '', format: '.1%' },
  ms: { suffix: ' [ms]', format: '~g' },
  count: { suffix: '', format: '~s' },
  bytes: { suffix: ' [bytes]', format: '~s' },
  score: plain,
};

function axisFormat(
  unit: Unit | undefined,
  values: readonly number[],
): { readonly suffix: string; readonly format: string } {
  if (unit === undefined || (unit === 'share' && !values.every(isShare))) return plain;
  return axes[unit];
}

/** @param values what will be shown. */
export function axisOf(objective: string, values: readonly number[]): Axis {
  const { suffix, format } = axisFormat(measureNamed(objective)?.unit, values);
  return { title: `${objectiveTitle(objective)}${suffix}`, format };
}
