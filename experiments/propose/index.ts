import { availableParallelism } from 'node:os';
import { NasError } from '../../base/errors.js';
import { dataSchema, defaultAugment, prepareDataset, withDataset } from '../../trainers/index.js';
import { parseExperiment } from '../parse/index.js';
import { estimateRun, type EstimateOptions, type RunEstimate } from '../runner/estimate.js';
import { experimentText, proposeData } from './propose.js';
import { surveyImages } from './survey.js';

export interface ProposalRequest {
  /** The images. */
  readonly folder: string;
  /** The same folder relative to `file`'s. */
  readonly path: string;
  /** Name of the experiment. */
  readonly name: string;
  /** The experiment's file, which is not written here. */
  readonly file: string;
  /** Whether to measure how long the run takes. */
  readonly estimated: boolean;
}

export interface ProposedExperiment {
  readonly text: string;
  /** Lines about the time of the run; none without an estimate. */
  readonly hours: readonly string[];
}

/**
 * An experiment for a folder of images: looks at some of them, converts all in the size that fits, and trains some networks
 * for seconds to estimate the time of the run. A run of the experiment uses the same conversion.
 * @throws NasError `invalid-input` for a folder that no data source reads; `interrupted` when the signal is aborted
 */
export async function proposeExperiment(
  { folder, path, name, file, estimated }: ProposalRequest,
  options: EstimateOptions,
): Promise<ProposedExperiment> {
  const { observe, signal } = options;
  const survey = await surveyImages(folder);
  const data = proposeData(survey);
  const config = dataSchema.parse({ type: 'image-folder', path: folder, damaged: 'skip', ...data });
  const dataset = await prepareDataset(config, {
    signal,
    onNote: (message) => observe({ kind: 'note', message }),
    onProgress: (done, total) => observe({ kind: 'progress', phase: 'data', done, total, unit: 'images' }),
  });
  const facts = await withDataset(dataset, (open) => {
    const counts = new Uint32Array(open.info.classes.length);
    for (const label of open.split('train').labels) counts[label]++;
    return Promise.resolve({
      name,
      path,
      survey,
      data,
      info: open.info,
      augment: defaultAugment(config),
      perClass: [...counts],
    });
  });
  const text = experimentText(facts, []);
  const loaded = parseExperiment(file, text);
  if (!estimated) return { text, hours: [] };
  observe({ kind: 'phase', name: 'search', message: 'Training some networks for seconds, to estimate the hours' });
  const estimate = await estimateRun(loaded, options);
  if (signal.aborted) throw new NasError('interrupted', 'the estimate was stopped; nothing was written');
  const hours = estimate === null ? [] : hoursLines(estimate);
  return { text: experimentText(facts, hours), hours };
}

const duration = (seconds: number): string =>
  seconds < 5400 ? `${Math.max(1, Math.round(seconds / 60))} min` : `${(seconds / 3600).toFixed(1)} hours`;

const hoursLines = ({ search, final, frontier }: RunEstimate): string[] => [
  `The run takes about ${duration(search + final)} on this machine (${availableParallelism()} cores): ${duration(search)} for the search, ${duration(final)} to`,
  `train some ${frontier} networks of the frontier to their end. Fewer search.trials or train.epochs make it shorter.`,
];
