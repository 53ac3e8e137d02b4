import { NasError } from '../../../base/errors.js';
import {
  evaluateMember,
  fit,
  fitSupernet,
  prepareTeacher,
  saveWeights,
  type FitHooks,
} from '../../../trainers/index.js';
import { integersJob } from '../compress/integers-job.js';
import { quantizeJob } from '../compress/quantize-job.js';
import { exportJob } from '../finishing/export-job.js';
import { measureJob } from '../latency/measure-job.js';
import { importanceJob } from '../shrink/importance-job.js';
import { evaluateJob } from './evaluate-job.js';
import { initialJob } from './initial-job.js';
import type { Job, JobContext, JobOf, ResultOf } from './jobs.js';
import { proxiesJob } from './proxies-job.js';

/** What a training tells of itself, as events of its job. */
const hooks = ({ onEvent, signal, pause }: JobContext): FitHooks => ({
  onEpoch: (metrics) => onEvent({ kind: 'epoch', metrics }),
  onProgress: (progress) => onEvent({ kind: 'progress', progress }),
  onNote: (message) => onEvent({ kind: 'note', message }),
  onFile: (path) => onEvent({ kind: 'file', path }),
  signal,
  pause,
});

type Work<K extends Job['kind']> = (job: JobOf<K>, context: JobContext) => Promise<ResultOf<JobOf<K>>>;

const works: { readonly [K in Job['kind']]: Work<K> } = {
  /** Trains or loads the teacher and computes what it says of every training image. */
  teacher: ({ config, options }, context) => {
    const onLogits = (done: number, total: number) => context.onEvent({ kind: 'count', done, total, what: 'images' });
    return prepareTeacher(config, { ...options, hooks: { ...hooks(context), onLogits } });
  },
  initial: initialJob,
  /** Trains one network, from its checkpoint when there is one. */
  train: (job, context) => fit(job.fit, hooks(context)),
  supernet: (job, context) => fitSupernet(job.supernet, hooks(context)),
  member: async ({ member, keep }, { signal, pause }) => {
    const between = async () => {
      await pause();
      if (signal.aborted) throw new NasError('interrupted', 'the evaluation was stopped');
    };
    const { accuracy, weights } = await evaluateMember(member, { between });
    if (keep !== undefined) saveWeights(weights, keep);
    return { accuracy };
  },
  measure: measureJob,
  proxies: proxiesJob,
  evaluate: evaluateJob,
  export: exportJob,
  quantize: quantizeJob,
  integers: integersJob,
  importance: importanceJob,
};

/** Runs a job in this process. */
export function runJob<K extends Job['kind']>(job: JobOf<K>, context: JobContext): Promise<ResultOf<JobOf<K>>> {
  return works[job.kind as K](job, context);
}
