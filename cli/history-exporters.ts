import { dirname, basename, join } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { logOf } from '../api/followed.js';
import { History, pictureIn, type RunLog } from '../reports/history/history.js';
import { writeOptuna } from '../reports/history/optuna.js';
import { MlflowLog, mlflowAuthorization } from '../reports/history/mlflow.js';
import { TensorBoardLog } from '../reports/history/tensorboard.js';
import { experimentOf, objectivesOf } from '../runner/stored/experiment.js';
import type { Store } from '../store/index.js';
import { writeExport } from './arguments/output.js';

/** Forms in which other programs read the trials of a run. */
export const historyTargets = ['optuna', 'tensorboard', 'mlflow'] as const;
export type HistoryTarget = (typeof historyTargets)[number];

/** A run, and where its trials go. */
interface Wanted {
  readonly store: Store;
  readonly workdir: string;
  readonly output: string | undefined;
  /** Address of a server. */
  readonly url: string | undefined;
  readonly force: boolean;
}

/** @returns where the trials are now */
type HistoryExporter = (wanted: Wanted) => Promise<string>;

function placeOf(to: HistoryTarget, output: string | undefined, what: string): string {
  if (output !== undefined) return output;
  throw invalidInput(`--to ${to}: where to? give ${what}`, { hint: 'nas export --help' });
}

const toOptuna: HistoryExporter = async ({ store, workdir, output, force }) => {
  const file = placeOf('optuna', output, 'a file: study.db');
  const { decisionsOf } = await import('../runner/enqueue.js');
  const { name } = store.run.get();
  const study = { name, objectives: objectivesOf(store), decisions: await decisionsOf(workdir) };
  const entries = store.reading(() => new History(store).all());
  await writeExport(dirname(file), force, (staged) => {
    writeOptuna(join(staged, basename(file)), { ...study, entries });
    return Promise.resolve();
  });
  return `${file}: study ${name}, ${entries.length} trials`;
};

/** Writes all trials, and the run as a whole. */
async function writeAll({ store, workdir }: Wanted, log: RunLog): Promise<number> {
  const picture = await pictureIn(workdir);
  const { run, entries } = store.reading(() => new History(store).whole(picture));
  await log.trial(entries);
  await log.run(run, entries);
  return entries.length;
}

const toTensorBoard: HistoryExporter = async (wanted) => {
  const { force } = wanted;
  const folder = placeOf('tensorboard', wanted.output, 'a folder: logs');
  const trials = await writeExport(folder, force, (staged) => writeAll(wanted, new TensorBoardLog(staged)));
  return `${folder}: ${trials} trials; tensorboard --logdir ${folder} shows them`;
};

const toMlflow: HistoryExporter = async (wanted) => {
  const { store, output, url = logOf(experimentOf(store)).mlflow } = wanted;
  if (output !== undefined)
    throw invalidInput(`--to mlflow writes to a server, and not to ${output}`, { hint: 'Give --url alone.' });
  if (url === undefined || !URL.canParse(url))
    throw invalidInput(`--to mlflow: ${url === undefined ? 'to which server?' : `${url} is no address:`} give --url`, {
      hint: 'For example --url http://localhost:5000.',
    });
  const { name, createdAt } = store.run.get();
  const access = { url, tries: 4, patience: 30_000, authorization: mlflowAuthorization(process.env) };
  const trials = await writeAll(wanted, new MlflowLog(access, { name, createdAt }));
  return `${url}: experiment ${name}, ${trials} trials`;
};

export const historyExporters: { readonly [T in HistoryTarget]: HistoryExporter } = {
  optuna: toOptuna,
  tensorboard: toTensorBoard,
  mlflow: toMlflow,
};

export const isHistory = (to: string): to is HistoryTarget => (historyTargets as readonly string[]).includes(to);
