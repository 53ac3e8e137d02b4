import type { Environment } from '../../latency-models/index.js';
import type { Objective } from '../../search/index.js';
import { valueText, type Unit } from '../../base/number-text.js';
import { isAccuracy, measureNamed } from '../measures.js';
import type { FinalResult, MeasureText } from './data.js';

export { bytes, count, duration, epochsText, ms, percent } from '../../base/number-text.js';

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
