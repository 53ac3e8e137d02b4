import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { StoredPrecision, TrialStage } from '../../store/index.js';

/** Files of a workdir. Stored paths are relative to it, so that it can be moved. */
export const workdirFiles = {
  database: 'nas.sqlite',
  artifacts: 'artifacts',
  picture: 'frontier.svg',
  report: 'report.html',
  notes: 'nas.notes.jsonl',
  images: 'images.csv',
  tensorboard: 'tensorboard',
  generations: 'generations',
} as const;

/** A request to stop the run, by another process; see `requestStop`. */
export const stopFile = (workdir: string): string => join(workdir, 'nas.stop.json');

/** The default workdir of a run, relative to the current folder. */
export const defaultWorkdir = (name: string): string => join('runs', name);

/** The files with a training's final weights, and with its checkpoint, in its folder. */
export const weightsFile = 'weights.bin';
export const checkpointFile = 'checkpoint.bin';

const trialName = (number: number): string => String(number).padStart(5, '0');

/** Weights that trainings start from, by shared name, relative to the workdir. */
export const initialFile = join(workdirFiles.artifacts, 'initial.bin');

/** The latency model that a run took from elsewhere (`latency.from`), relative to the workdir. */
export const latencyModelPath = (precision: StoredPrecision): string =>
  join(workdirFiles.artifacts, 'latency', `${precision}.json`);

/** The folder of one trial's files, relative to the workdir: checkpoint, weights. */
export const trialFolder = (stage: TrialStage, number: number): string =>
  join(workdirFiles.artifacts, stage, trialName(number));

/** The folder of a training on a fold, relative to the workdir: checkpoint, weights. */
export const foldFolder = (number: number, fold: number): string =>
  join(workdirFiles.artifacts, 'folds', trialName(number), String(fold));

/** The folder of the supernet's files, relative to the workdir. */
export const supernetFolder = join(workdirFiles.artifacts, 'supernet');

const endings: { readonly [P in StoredPrecision]: string } = { fp32: '.onnx', int8: '.int8.onnx' };

/** The folder of the ONNX files of the frontier, relative to the workdir. */
export const frontierFolder = join(workdirFiles.artifacts, 'frontier');

/** The ONNX file of a member of the frontier, relative to the workdir. */
export const frontierModel = (number: number, precision: StoredPrecision): string =>
  join(frontierFolder, `trial-${trialName(number)}${endings[precision]}`);

export const databasePath = (workdir: string): string => join(workdir, workdirFiles.database);

/** Lists which image is in which split. */
export const imagesPath = (workdir: string): string => join(workdir, workdirFiles.images);

/** A pipe of this name, which would block the process that opens it, is none. */
export const hasRun = (workdir: string): boolean =>
  existsSync(databasePath(workdir)) && !statSync(databasePath(workdir)).isFIFO();

const real = (path: string): string => (existsSync(path) ? realpathSync(path) : resolve(path));

/** Whether `clearRun` removes a file. */
export function isCleared(workdir: string, file: string): boolean {
  const [first] = relative(real(workdir), real(file)).split(sep);
  return Object.values(workdirFiles).some((name) => name === first);
}

/** The files of a run and its generations; the database comes last. */
function filesOfRun(): string[] {
  const { database, ...others } = workdirFiles;
  return [...Object.values(others), ...['-journal', '-shm', '-wal', ''].map((suffix) => database + suffix)];
}

/** Removes the files of an earlier run and nothing else. */
export function clearRun(workdir: string): void {
  for (const file of filesOfRun()) rmSync(join(workdir, file), { force: true, recursive: true });
}

/** The database of the next generation of a run, until its results so far are out of the way. */
export const nextDatabase = (workdir: string): string => `${databasePath(workdir)}.next`;

/** The folder of a generation of results, relative to the workdir; the latest one is in the workdir itself. */
export const generationFolder = (generation: number): string => join(workdirFiles.generations, String(generation));

/** Number of the generation in a workdir, from 1. */
export function generationIn(workdir: string): number {
  let number = 1;
  while (hasRun(join(workdir, generationFolder(number)))) number++;
  return number;
}

/**
 * Moves the results of a run into the folder of their generation, and the database of the next one into their place. Called
 * again after a kill at any moment, it goes on: the old database moves last, and the new one after that.
 */
export function changeGeneration(workdir: string): void {
  if (hasRun(workdir)) {
    const folder = join(workdir, generationFolder(generationIn(workdir)));
    mkdirSync(folder, { recursive: true });
    for (const file of filesOfRun())
      if (file !== workdirFiles.generations && existsSync(join(workdir, file)))
        renameSync(join(workdir, file), join(folder, file));
  }
  renameSync(nextDatabase(workdir), databasePath(workdir));
}
