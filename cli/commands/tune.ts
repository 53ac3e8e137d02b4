import { rmSync } from 'node:fs';
import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { DetectorReport, TuneReport } from '../../runner/index.js';
import { classReport, duration } from '../../reports/index.js';
import { checkOutput } from '../arguments/output.js';
import { wholeNumber } from '../arguments/values.js';
import { command, dataOrBoxesOption, jsonOption, listOption, flag } from '../command.js';
import { classListing } from '../output/classes.js';
import { json, renderTable, type Colors, type Column, numeric } from '../output/terminal.js';
import { watch } from '../watch-run.js';

interface Stage {
  readonly name: string;
  readonly validation: number | undefined;
  readonly test: number | undefined;
}

/** Main scores before, between and after. */
function stagesTable(
  { task, before, head, after, adapted }: (DetectorReport & { readonly head?: undefined }) | TuneReport,
  colors: Colors,
): string {
  const { title } = mainScores[task];
  const score = (value: number | undefined): string => (value === undefined ? '–' : scoreText(task, value));
  const columns: Column<Stage>[] = [
    { title: '', cell: ({ name }) => name },
    numeric(`validation ${title}`, ({ validation }) => score(validation)),
    numeric(`test ${title}`, ({ test }) => score(test)),
  ];
  const written = { all: 'fine-tuned', head: 'with a new head', none: 'written, as it was' };
  const stages: Stage[] = [
    {
      name: before === null ? 'as it was (other outputs)' : 'as it was',
      validation: before?.validation,
      test: before?.test,
    },
    ...(adapted === 'all' && head !== undefined
      ? [{ name: 'with a new head', validation: head, test: undefined }]
      : []),
    { ...after, name: written[adapted] },
  ];
  return renderTable(columns, stages, colors);
}

/** Less than this is no gain: half a point. */
const leastGain = 0.005;

/** What more time may bring, in a line; null without a fine-tuning. */
export function outlookLine({ task, outlook }: Pick<TuneReport, 'task' | 'outlook'>): string | null {
  if (outlook === null) return null;
  const { gain, epochs, seconds } = outlook;
  if (gain === null) return 'Too few epochs to say what more minutes bring.';
  const [low, high] = gain;
  if (high < leastGain) return 'Validation is flat: more minutes bring nothing.';
  const { unit, title } = mainScores[task];
  const text = (change: number): string => (unit === 'share' ? (100 * change).toFixed(1) : change.toFixed(3));
  const what = unit === 'share' ? 'points' : `of ${title}`;
  return `Another ${duration(seconds)} (--epochs ${epochs}) may bring ${text(low)} to ${text(high)} ${what}.`;
}

interface Given {
  readonly epochs?: number | undefined;
  readonly minutes?: number | undefined;
  readonly batch?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly norms?: string | undefined;
  readonly freeze: readonly string[];
}

/** The fine-tuning as the options say. */
function ownTraining({ epochs, batch, learningRate }: Given) {
  if (learningRate !== undefined && !(learningRate > 0))
    throw invalidInput(`--learning-rate ${learningRate}: expected a number above 0`);
  return {
    ...(epochs !== undefined && { epochs: wholeNumber('--epochs', epochs) }),
    ...(batch !== undefined && { batch: wholeNumber('--batch', batch, 1, 4096) }),
    learningRate,
  };
}

/** Minutes for all of it, where the epochs are not given. */
const usualMinutes = 15;

/** @throws NasError `invalid-input` for minutes that are none, and for minutes and epochs */
function minutesOf({ epochs, minutes }: Given): number | undefined {
  if (minutes === undefined) return epochs === undefined ? usualMinutes : undefined;
  if (!(minutes > 0)) throw invalidInput(`--minutes ${minutes}: expected a number above 0`);
  if (epochs !== undefined)
    throw invalidInput(`--minutes ${minutes} chooses the epochs, and --epochs ${epochs} gives them`, {
      hint: 'Leave one of them out.',
    });
  return minutes;
}

/** @throws NasError `invalid-input` for options of the fine-tuning beside --head-only */
function refuseUnused({ epochs, minutes, batch, learningRate, norms, freeze }: Given): void {
  const given = { epochs, minutes, batch, 'learning-rate': learningRate, norms, freeze: freeze[0] };
  const [unused] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (unused !== undefined)
    throw invalidInput(`--${unused} belongs to fine-tuning, and --head-only leaves that out`, {
      hint: 'Leave one of them out.',
    });
}

/** Options that detectors and segmenters do not have: their head is trained with the rest, and their data says how images become inputs. */
const ofClassifiers = ['head-only', 'minutes', 'freeze', 'learning-rate', 'norms', 'layout', 'size', 'features'];

/** @throws NasError `invalid-input` for options that only classifiers have */
function refuseForMaps(args: Readonly<Record<string, unknown>>, data: 'boxes' | 'masks'): void {
  const isGiven = (value: unknown): boolean =>
    value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  const unused = ofClassifiers.find((name) => isGiven(args[name]));
  if (unused !== undefined)
    throw invalidInput(`--${unused} is for classifiers, and the data has ${data}`, {
      hint: 'Leave it out; data.size of an experiment file gives another size.',
    });
}

interface Normalisation {
  readonly normalisation?: 'imagenet' | 'data' | undefined;
  readonly mean?: string | undefined;
  readonly std?: string | undefined;
}

/** @throws NasError `invalid-input` for texts that are no numbers, and for two normalisations */
function normalisationOf({ normalisation, mean, std }: Normalisation) {
  if (mean === undefined && std === undefined) return { normalisation };
  if (mean === undefined || std === undefined || normalisation !== undefined)
    throw invalidInput(`--mean ${mean ?? '(none)'}, --std ${std ?? '(none)'}: expected both, and no --normalisation`);
  const numbers = (option: string, text: string, least: number): number[] => {
    const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
    if (values.every((value) => Number.isFinite(value) && value > least)) return values;
    throw invalidInput(`${option} ${text}: expected a number, or one for each channel: 0.485,0.456,0.406`);
  };
  return { mean: numbers('--mean', mean, -Infinity), std: numbers('--std', std, 0) };
}

export const tune = command({
  usage: 'tune <model>',
  summary: 'Adapt a pretrained classifier of any program, a detector or a segmenter, to your images',
  examples: [
    [
      'tune mobilenet_v3.onnx --data image-folder:images -o tuned.onnx --normalisation imagenet',
      'a file of torchvision',
    ],
    ['tune shufflenet.onnx --data boxes:photos -o detector.onnx', 'a detector on its layers; or of a detector'],
    ['tune segmenter.onnx --data masks:tiles -o tuned.onnx', 'a segmenter for other masks; or of a classifier'],
    ['tune model.onnx --data experiment.yaml -o tuned.onnx --head-only', 'a new last layer, in seconds'],
    ['tune model.onnx --data experiment.yaml -o tuned.onnx --freeze "features.0.*"', 'first layers stay as they are'],
    ['tune model.onnx --data image-folder:images -o tuned.onnx --size 96', 'a smaller and faster network'],
  ],
  options: (yargs) =>
    yargs
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'ONNX file of any program, or the folder of a TF.js layers model',
      })
      .option('data', dataOrBoxesOption)
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'ONNX file to write' })
      .option('head-only', flag('Replace and fit the last layer only; the others stay as they are'))
      .option('epochs', {
        type: 'number',
        describe: 'Epochs of fine-tuning, whatever they take; by default as many as the minutes allow',
      })
      .option('minutes', {
        type: 'number',
        describe: `Time for all of it, by default ${usualMinutes} without --epochs; it ends earlier where validation is flat`,
      })
      .option('freeze', {
        ...listOption,
        describe: 'Names of weights that stay as they are (* stands for any characters), may be repeated',
      })
      .option('learning-rate', {
        type: 'number',
        describe: 'Of AdamW; kernels of many inputs have a share of it',
      })
      .option('batch', { type: 'number', describe: 'Images for each step' })
      .option('norms', {
        choices: ['frozen', 'followed'] as const,
        describe: 'Whether the statistics of batch norm stay (default), or follow your images',
      })
      .option('normalisation', {
        choices: ['imagenet', 'data'] as const,
        describe:
          "Of the model's images; by default its metadata's, else what its first batch norm or a quick head fits",
      })
      .option('mean', {
        type: 'string',
        describe:
          'Subtracted from pixel / 255, for each channel or one for all; with --std, instead of --normalisation',
      })
      .option('std', {
        type: 'string',
        describe: 'Divisor after --mean; a comma stands between the numbers of channels',
      })
      .option('layout', { choices: ['NHWC', 'NCHW'] as const, describe: "Of the model's images, where unclear" })
      .option('size', {
        type: 'number',
        describe: 'Height and width of the images, where they are others than the model was exported for',
      })
      .option('features', {
        type: 'string',
        describe: 'Value or TF.js layer that the new last layer reads; a wrong name lists all',
      })
      .option('seed', { type: 'number', default: 1, describe: 'Of the order and the views of the images' })
      .option('threads', { type: 'number', default: 1, describe: 'Threads of training' })
      .option('json', jsonOption),
  run: async (args, terminal) => {
    const { model: path, output, data, headOnly, json: asJson } = args;
    const { freeze, norms, layout, features } = args;
    const size = args.size === undefined ? undefined : wholeNumber('--size', args.size, 8);
    const seed = wholeNumber('--seed', args.seed, 0);
    const threads = wholeNumber('--threads', args.threads);
    const own = ownTraining(args);
    const minutes = minutesOf(args);
    if (headOnly) refuseUnused(args);
    checkOutput(output, path, 'tuned.onnx');
    const { parseDatasetOrBoxes } = await import('../arguments/dataset.js');
    const { tuneMaps, tuneClasses } = await import('../tuning.js');
    const { type } = await parseDatasetOrBoxes(data, undefined);
    const isMap = type === 'boxes' || type === 'masks';
    if (isMap) refuseForMaps(args, type);
    const common = { argument: data, own, seed, threads };
    const written = normalisationOf(args);
    const file = { path, layout, size, ...written, features };
    const adapt = headOnly ? 'head' : 'all';
    const { model, report, directory } = await watch<Awaited<ReturnType<typeof tuneMaps | typeof tuneClasses>>>(
      (observe, signal) =>
        isMap
          ? tuneMaps({ ...common, path, written }, observe, signal)
          : tuneClasses({ ...common, file, adapt, minutes, freeze, norms }, observe, signal),
      terminal,
    );
    writeFileAtomic(output, model);
    rmSync(directory, { recursive: true, force: true });
    const { classes, details, ...figures } = report;
    const byClass = classReport(classes, details, 'the test images');
    if (asJson) {
      terminal.out(json({ model: path, output, ...figures, metrics: byClass.metrics, perClass: byClass.classes }));
      return;
    }
    terminal.out(stagesTable(report, terminal.colors));
    const line = 'outlook' in report ? outlookLine(report) : null;
    if (line !== null) terminal.out(`${line}\n`);
    terminal.out(classListing(byClass, terminal.colors));
  },
});
