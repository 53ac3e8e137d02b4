import { duration } from '../../base/number-text.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { JobEnd, WorkerEvent, WorkerJob } from '../../workers/worker/job-run.js';
import type { JobEvent } from '../../runner/jobs/jobs.js';

export interface SlotState {
  readonly job: WorkerJob;
  readonly latest: JobEvent | null;
}

const stages: Readonly<Partial<Record<string, string>>> = {
  search: 'training of trial',
  final: 'final training of trial',
};

/** `training of trial 12`; other jobs by their ids. */
function describeJob({ id }: WorkerJob): string {
  const match = /^train\/(?<stage>[\w-]+)\/(?<number>\d+)(?:\/|$)/.exec(id)?.groups;
  const stage = stages[match?.['stage'] ?? ''];
  return stage === undefined ? id : `${stage} ${match?.['number'] ?? ''}`;
}

const named = (job: WorkerJob): string => `run ${job.run.slice(0, 8)}, ${describeJob(job)}`;

export const beginLine = (job: WorkerJob): string => `${named(job)}: begins`;

const ends: { readonly [E in JobEnd]: string } = {
  done: 'done',
  failed: 'failed',
  died: 'failed',
  interrupted: 'was cancelled by its run',
  returned: 'was given back',
  incomplete: 'was given back',
  lost: 'no longer belongs to this worker',
};

export const endLine = ({ job, end, seconds, message }: Extract<WorkerEvent, { kind: 'ended' }>): string =>
  `${named(job)}: ${ends[end]} after ${duration(seconds)}${message === undefined ? '' : `: ${message}`}`;

export function epochLine(job: WorkerJob, { task, metrics }: Extract<JobEvent, { kind: 'epoch' }>): string {
  const { epoch, validation_accuracy: score, train_loss: loss } = metrics;
  const found = `validation ${mainScores[task].title} ${scoreText(task, score)}`;
  return `${named(job)}: epoch ${epoch + 1}, ${found}, loss ${loss.toFixed(4)}`;
}

/** Text for an event of a running job; null: none. */
const eventTexts: { readonly [K in JobEvent['kind']]: (event: Extract<JobEvent, { kind: K }>) => string | null } = {
  epoch: ({ metrics }) => `epoch ${metrics.epoch + 1} done`,
  progress: ({ progress: { epoch, epochs, step, steps, imagesPerSecond } }) =>
    `epoch ${epoch + 1}/${epochs}, step ${step}/${steps}, ${Math.round(imagesPerSecond)} images/s`,
  count: ({ done, total, what: things }) => `${done} of ${total} ${things}`,
  note: () => null,
  file: () => null,
};

export function slotLine({ job, latest }: SlotState): string {
  const text = latest === null ? null : (eventTexts[latest.kind] as (event: JobEvent) => string | null)(latest);
  return `  slot ${job.slot}: ${named(job)}${text === null ? '' : `, ${text}`}`;
}
