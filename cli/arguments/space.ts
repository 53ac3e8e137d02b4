import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { isMap } from '../../experiments/parse/problem.js';
import type { InitialPlan } from '../../runner/index.js';
import type {
  LoadedExperiment,
  StudyExperiment,
  TableExperiment,
  TrainingExperiment,
} from '../../experiments/index.js';
import type { DecisionSpace, Space, SpaceConfig, Task } from '../../spaces/index.js';

interface Loaded<E> {
  readonly loaded: LoadedExperiment;
  readonly experiment: E;
  readonly size: string;
}

interface LoadedNetworks extends Loaded<TrainingExperiment> {
  readonly kind: 'training';
  readonly task: Task;
  /** Names of the data's outputs. */
  readonly classes: readonly string[];
  /** Null without initial weights. */
  readonly initial: InitialPlan | null;
  readonly space: Space;
}

export interface LoadedTable extends Loaded<TableExperiment> {
  readonly kind: 'table';
  readonly space: DecisionSpace;
}

interface LoadedStudy extends Loaded<StudyExperiment> {
  readonly kind: 'study';
  readonly task: Task;
  readonly space: Space;
}

type LoadedSpace = LoadedNetworks | LoadedTable | LoadedStudy;

/**
 * Reads an experiment and creates its space from its table, or for its data, which is not converted.
 * @throws NasError `invalid-input` for an invalid file, missing data, impossible spaces, invalid tables, and teachers that are not read.
 */
export async function loadWithSpace(file: string, set: readonly string[]): Promise<LoadedSpace> {
  const { isStudy, isTableExperiment, loadExperiment, locatingIn } = await import('../../experiments/index.js');
  const { loadResults, planInitial, planSupernet } = await import('../../runner/index.js');
  const { openSource, spaceTask, teacherSize } = await import('../../trainers/index.js');
  const { createSpace, spaceSize } = await import('../../spaces/index.js');
  const loaded = loadExperiment(file, { set });
  const locating = locatingIn(loaded);
  const sizeOf = (space: DecisionSpace): string => spaceSize(space).toLocaleString('en-US');
  const { experiment } = loaded;
  if (isTableExperiment(experiment)) {
    const { space } = (await loadResults(experiment, locating)).table;
    return { kind: 'table', loaded, experiment, space, size: sizeOf(space) };
  }
  if (isStudy(experiment)) {
    const task: Task = { input: experiment.evaluate.input, classes: experiment.evaluate.classes };
    const space = await locating(['space'], () => createSpace(experiment.space, task));
    return { kind: 'study', loaded, experiment, task, space, size: sizeOf(space) };
  }
  const source = await locating(['data'], () => openSource(experiment.data));
  const task = spaceTask(source, source.task);
  const space = await locating(['space'], () => createSpace(experiment.space, task));
  await planSupernet(experiment, { space, data: null, locating });
  const initial = await planInitial(experiment, { space, data: source, locating });
  await locating(['teacher', 'path'], () => teacherSize(experiment.teacher));
  const { classes } = source;
  return { kind: 'training', loaded, experiment, task, classes, space, size: sizeOf(space), initial };
}

/** `--space` of commands that need networks but no data. */
export const spaceOption = {
  type: 'string',
  demandOption: true,
  describe: 'Space: its type (mobilenet, efficientnet, nas-bench-201), or the YAML of a space or an experiment',
} as const;

/** A space and the images that its networks are for. */
export interface NamedSpace {
  readonly space: Space;
  readonly task: Task;
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8')) as unknown;
  } catch (cause) {
    throw invalidInput(`${file}: not YAML: ${messageOf(cause)}`, { cause });
  }
}

async function spaceNames(): Promise<readonly string[]> {
  const { spaceSchema } = await import('../../spaces/index.js');
  const types = spaceSchema.options.map(({ shape }) => z.toJSONSchema(shape.type).const);
  return types.filter((type): type is string => typeof type === 'string');
}

export const isSpaceName = async (argument: string): Promise<boolean> =>
  !isFile(argument) && (await spaceNames()).includes(argument);

/** The task of a YAML file with a space only. */
const taskSchema = z.strictObject({
  input: z.tuple([z.number().int().min(1), z.number().int().min(1), z.number().int().min(1)]),
  classes: z.number().int().min(2),
});

/**
 * Parses a space: the type of a ready-made one, a YAML file with a space (and `task: {input, classes}` where the type has no
 * default task), or an experiment.
 * @throws NasError `invalid-input` when it is none of these.
 */
export async function parseSpace(argument: string): Promise<NamedSpace> {
  const { spaceSchema } = await import('../../spaces/index.js');
  if (isFile(argument)) {
    const content = readYaml(argument);
    if (isMap(content) && 'type' in content) {
      const { task, ...rest } = content;
      return fromConfig(argument, spaceSchema.safeParse(rest), task);
    }
    const loaded = await loadWithSpace(argument, []);
    if (loaded.kind !== 'table') return { space: loaded.space, task: loaded.task };
    throw invalidInput(`${argument}: its space is a table, whose networks cannot be built`, {
      hint: 'Give the space that the table is of, such as nas-bench-201.',
    });
  }
  const names = await spaceNames();
  if (!names.includes(argument))
    throw invalidInput(`there is no space '${argument}', and no such file${didYouMean(argument, names)}`, {
      hint: `Ready-made spaces: ${names.join(', ')}.`,
    });
  return fromConfig(argument, spaceSchema.safeParse({ type: argument }), undefined);
}

async function fromConfig(
  argument: string,
  parsed: z.ZodSafeParseResult<SpaceConfig>,
  task: unknown,
): Promise<NamedSpace> {
  const { createSpace, defaultTask } = await import('../../spaces/index.js');
  if (!parsed.success) throw invalidInput(`${argument}: not a space: ${z.prettifyError(parsed.error)}`);
  const given = task === undefined ? undefined : taskSchema.safeParse(task);
  if (given?.success === false) throw invalidInput(`${argument}: task: ${z.prettifyError(given.error)}`);
  const known = given?.data ?? defaultTask(parsed.data);
  if (known === null)
    throw invalidInput(`${argument}: a space of type ${parsed.data.type} has no default task`, {
      hint: 'Add task: {input: [height, width, channels], classes: number}, or give an experiment.',
    });
  return { space: await createSpace(parsed.data, known), task: known };
}
