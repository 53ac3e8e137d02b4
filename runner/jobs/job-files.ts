import { basename, dirname, join } from 'node:path';
import type { Network, SpaceConfig } from '../../spaces/index.js';
import {
  forInputs,
  type DatasetRef,
  type InitialWeights,
  type PreparedTeacher,
  type SingleTeacher,
} from '../../trainers/index.js';
import { checkpointFile, weightsFile } from '../stored/workdir.js';
import type { Job, JobOf, ResultOf, SeededNetwork } from './jobs.js';
import { localDeviceOf } from '../../latency-models/index.js';

export type PathUse =
  /** Reads a file, or all of a folder. */
  | { readonly kind: 'input' }
  /** Runs the user's code in a file. */
  | { readonly kind: 'module' }
  /**
   * Works in a folder. `resumed` names the files, relative to the folder, that a restarted job continues from; null: only
   * the job's earlier events name them.
   */
  | { readonly kind: 'folder'; readonly resumed: readonly string[] | null };

/** Maps a path to the one on the machine where the job will run. */
type Relocate = (path: string, use: PathUse) => string;

const input = { kind: 'input' } as const;

/** A file that a job only writes, into the folder that it works in. */
const written = (file: string, at: Relocate): string =>
  join(at(dirname(file), { kind: 'folder', resumed: [] }), basename(file));

const trained = (folder: string, at: Relocate): string =>
  at(folder, { kind: 'folder', resumed: [checkpointFile, weightsFile] });

/** Converted images and their renderings. */
const imagesAt = <I extends Pick<DatasetRef, 'directory' | 'renderings'>>(images: I, at: Relocate): I => ({
  ...images,
  directory: at(images.directory, input),
  ...(images.renderings && {
    renderings: images.renderings.map((one) => ({ ...one, directory: at(one.directory, input) })),
  }),
});

const datasetAt = ({ unlabelled, ...dataset }: DatasetRef, at: Relocate): DatasetRef => ({
  ...imagesAt(dataset, at),
  ...(unlabelled && { unlabelled: { ...imagesAt(unlabelled, at), copies: at(unlabelled.copies, input) } }),
});

/** A data set for jobs on some networks, without the renderings of other sizes; for training, with the images without labels. */
const datasetFor = (
  dataset: DatasetRef,
  networks: readonly Network[],
  at: Relocate,
  options?: { readonly training: boolean },
): DatasetRef =>
  datasetAt(
    forInputs(
      dataset,
      networks.map(({ input: size }) => size),
      options,
    ),
    at,
  );

const candidateAt = <C extends SeededNetwork>(candidate: C, at: Relocate): C =>
  candidate.weights === undefined ? candidate : { ...candidate, weights: at(candidate.weights, input) };

const initialAt = <I extends InitialWeights | undefined>(initial: I, at: Relocate): I =>
  initial === undefined ? initial : { ...initial, file: at(initial.file, input) };

const spaceAt = (space: SpaceConfig, at: Relocate): SpaceConfig =>
  space.type === 'module' ? { ...space, path: at(space.path, { kind: 'module' }) } : space;

const teacherAt = (teacher: PreparedTeacher, at: (path: string) => string): PreparedTeacher => ({
  ...teacher,
  logits: teacher.logits && { ...teacher.logits, file: at(teacher.logits.file) },
});

const teacherInput = (teacher: PreparedTeacher | null, at: Relocate): PreparedTeacher | null =>
  teacher && teacherAt(teacher, (path) => at(path, input));

const singleTeacherAt = <T extends SingleTeacher>(config: T, at: Relocate): T =>
  config.type === 'train' ? config : { ...config, path: at(config.path, input) };

function teacherConfigAt(config: JobOf<'teacher'>['config'], at: Relocate): JobOf<'teacher'>['config'] {
  switch (config.type) {
    case 'network':
      return { ...config, weights: at(config.weights, input) };
    case 'file':
    case 'train':
      return singleTeacherAt(config, at);
    case 'average':
      return { ...config, of: config.of.map((one) => singleTeacherAt(one, at)) };
    case 'none':
      return config;
  }
}

/** The same job with other paths; a device's files stay where the device is. */
const jobs: { readonly [K in Job['kind']]: (job: JobOf<K>, at: Relocate) => JobOf<K> } = {
  teacher: ({ options: { dataset, cache, ...options }, ...job }, at) => ({
    ...job,
    config: teacherConfigAt(job.config, at),
    options: {
      ...options,
      dataset: datasetAt(dataset, at),
      ...(cache !== undefined && { cache: at(cache, { kind: 'folder', resumed: null }) }),
    },
  }),
  initial: (job, at) => ({
    ...job,
    path: at(job.path, input),
    space: { ...job.space, config: spaceAt(job.space.config, at) },
    dataset: datasetAt(job.dataset, at),
    file: written(job.file, at),
  }),
  train: ({ fit, ...job }, at) => ({
    ...job,
    fit: {
      ...fit,
      dataset: datasetFor(fit.dataset, [fit.network], at, { training: true }),
      teacher: teacherInput(fit.teacher, at),
      directory: trained(fit.directory, at),
      initial: initialAt(fit.initial, at),
    },
  }),
  supernet: ({ supernet, ...job }, at) => ({
    ...job,
    supernet: {
      ...supernet,
      space: spaceAt(supernet.space, at),
      dataset: datasetAt(supernet.dataset, at),
      teacher: teacherInput(supernet.teacher, at),
      initial: supernet.initial === undefined ? undefined : at(supernet.initial, input),
      directory: trained(supernet.directory, at),
    },
  }),
  member: ({ member, keep, ...job }, at) => ({
    ...job,
    member: {
      ...member,
      weights: at(member.weights, input),
      dataset: datasetFor(member.dataset, [member.member.network], at),
    },
    keep: keep === undefined ? undefined : written(keep, at),
  }),
  measure: (job, at) => ({
    ...job,
    candidates: job.candidates.map((candidate) => candidateAt(candidate, at)),
    space: { ...job.space, config: spaceAt(job.space.config, at) },
  }),
  evaluate: (job, at) => ({ ...job, path: at(job.path, { kind: 'module' }), folder: null }),
  export: (job, at) => ({
    ...job,
    candidate: candidateAt(job.candidate, at),
    path: job.path === null ? null : written(job.path, at),
    dataset: datasetFor(job.dataset, [job.candidate.network], at),
  }),
  quantize: (job, at) => ({
    ...job,
    candidate: candidateAt(job.candidate, at),
    dataset: datasetFor(job.dataset, [job.candidate.network], at),
  }),
  integers: (job) => job,
  instructions: (job, at) => ({ ...job, candidate: candidateAt(job.candidate, at) }),
};

type RelocateResult = (path: string) => string;

const same = <R>(result: R): R => result;
const fitted = (result: ResultOf<JobOf<'train'>>, at: RelocateResult): ResultOf<JobOf<'train'>> =>
  result.state === 'complete' ? { ...result, weights: at(result.weights) } : result;

const results: {
  readonly [K in Job['kind']]: (result: ResultOf<JobOf<K>>, at: RelocateResult) => ResultOf<JobOf<K>>;
} = {
  teacher: (teacher, at) => teacher && teacherAt(teacher, at),
  train: fitted,
  supernet: fitted,
  initial: same,
  member: same,
  measure: same,
  evaluate: same,
  export: same,
  quantize: same,
  integers: same,
  instructions: same,
};

/**
 * A job for another machine, or as it runs there: `at` maps every file and folder, and learns how the job uses it. Files
 * that jobs write without an event are in `filesWritten`.
 */
export const relocateJob = <K extends Job['kind']>(job: JobOf<K>, at: Relocate): JobOf<K> =>
  jobs[job.kind as K](job, at);

export const relocateResult = <K extends Job['kind']>(
  kind: K,
  result: ResultOf<JobOf<K>>,
  at: RelocateResult,
): ResultOf<JobOf<K>> => results[kind](result, at);

/** The files that a finished job has written, besides those in its events and its result. */
export function filesWritten(job: Job): readonly string[] {
  switch (job.kind) {
    case 'initial':
      return [job.file];
    case 'member':
      return job.keep === undefined ? [] : [job.keep];
    case 'export':
      return job.path === null ? [] : [job.path];
    default:
      return [];
  }
}

/** The tag of the workers that a job has to measure on; null: any worker can do the job. */
export const tagOf = (job: Job): string | null =>
  'device' in job && job.device.type === 'worker' ? job.device.tag : null;

/** A job as a worker does it: it measures on its own machine. */
export function asDoneThere(job: Job): Job {
  if (!('device' in job) || job.device.type !== 'worker') return job;
  return { ...job, device: localDeviceOf(job.device) };
}
