import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
// Types only: the modules load TF.js.
import type { ExportSource } from '../../runner/exporting/index.js';
import { exportTargets, type ExportTarget } from '../../deploy/card/use.js';
import type { Calibrated } from '../../trainers/index.js';
import { percent } from '../../base/number-text.js';
import type { Store } from '../../store/index.js';
import { writeExport } from '../arguments/output.js';
import { command, jsonOption, flag } from '../command.js';
import { edgeTargets, exporters, isEdge, writeModel, type EdgeOptions, type Wanted } from '../exporters.js';
import { historyExporters, historyTargets, isHistory, type HistoryTarget } from '../history-exporters.js';
import { withRun } from '../open-run.js';
import { json, type Terminal, warningLine } from '../output/terminal.js';
import { createCounter } from '../progress/counter.js';

const usualPrefix = 'nas';

/** Whether a path is a model's, and not a run's: a file, or the folder of a TF.js model. */
const isModel = (path: string): boolean =>
  path.endsWith('.onnx') ||
  existsSync(join(path, 'model.json')) ||
  (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);

async function fromFile(file: string, asked: Asked, terminal: Terminal): Promise<void> {
  const { to, output, force, json: asJson, ...others } = asked;
  if (to === 'onnx' && file.endsWith('.onnx') && !others.decoded)
    throw invalidInput(`${file} is an ONNX file already: --to onnx writes networks of a run, and TF.js models`, {
      hint: 'Give the folder of a run, or another --to.',
    });
  const { trial, pareto, precision, calibrated } = others;
  const given = { trial, pareto, calibrated, precision: precision === 'auto' ? undefined : precision };
  const [wrong] = Object.entries(given).find(([, value]) => value !== undefined && value !== false) ?? [];
  if (wrong !== undefined)
    throw invalidInput(`--${wrong} goes with the folder of a run, and ${file} is a file, which is written as it is`, {
      hint: 'Leave it out; nas quantize makes an int8 file of a float one.',
    });
  const said = await writeExport(output, force, async (directory) => {
    const metadata = await writeModel(file, to, directory, others);
    const { againText, writeModelCard } = await import('../output/card.js');
    return writeModelCard(directory, asked, { metadata, commands: [againText(file, asked)] });
  });
  if (asJson) terminal.out(json([{ model: file, directory: output }]));
  else terminal.err([`${file}: ${output}`, ...said, ''].join('\n'));
}

type Fitted = Omit<Calibrated, 'model'>;

/** The source with calibrated confidences, and its temperature, which is known after the export. */
async function confident(
  store: Store,
  workdir: string,
  source: ExportSource,
  terminal: Terminal,
): Promise<readonly [ExportSource, () => Fitted | undefined]> {
  const { calibratedSource } = await import('../../runner/exporting/index.js');
  const { number } = source;
  const counter = createCounter(terminal);
  let found: Fitted | undefined;
  const onFitted = ({ temperature, loss, calibrationError }: Fitted): void => {
    counter.close();
    found = { temperature, loss, calibrationError };
    const changed =
      calibrationError === undefined
        ? `binary cross-entropy ${loss.before.toFixed(4)} before, ${loss.after.toFixed(4)} after`
        : `calibration error ${percent(calibrationError.before)} before, ${percent(calibrationError.after)} after`;
    terminal.err(`trial ${number}: temperature ${temperature.toFixed(3)}, ${changed}, on the validation images\n`);
  };
  const onProgress = counter.show(`trial ${number}: validation images`);
  return [calibratedSource(source, { store, workdir }, { onProgress, onFitted }), () => found];
}

async function chosen(store: Store, workdir: string, { trial, pareto = false }: Asked): Promise<ExportSource[]> {
  if (trial === undefined && !pareto)
    throw invalidInput('which networks? give --trial N, or --pareto for the whole frontier', {
      hint: 'nas export --help',
    });
  const { exportSource, frontierSources } = await import('../../runner/exporting/index.js');
  return trial === undefined ? frontierSources(store, workdir) : [exportSource(store, workdir, trial)];
}

/** The options of the command. */
interface Asked extends EdgeOptions, Pick<Wanted, 'weights' | 'decoded'> {
  readonly to: ExportTarget;
  readonly precision: string;
  readonly output: string;
  readonly force: boolean;
  readonly json: boolean;
  readonly trial: number | undefined;
  readonly pareto: boolean | undefined;
  readonly calibrated: boolean;
  readonly license: string | undefined;
}

/** @throws NasError for options that do not go with the target. */
function checkTarget({ to, precision, weights, decoded, io, rounding, prefix }: Asked): void {
  if (decoded && to !== 'onnx')
    throw invalidInput(`--decoded goes with --to onnx, not with --to ${to}`, {
      hint: 'Leave it out: docs/detection.md says how the outputs of the other files become boxes.',
    });
  if (to === 'tfjs' && (precision === 'int8' || weights === 'fp16'))
    throw invalidInput(`--to tfjs: TF.js layers models are of float32, not ${precision === 'int8' ? 'int8' : 'fp16'}`, {
      hint: 'Export with --to onnx.',
    });
  if (weights === 'fp16' && (precision === 'int8' || isEdge(to)))
    throw invalidInput(
      isEdge(to)
        ? `--weights fp16 goes with --to onnx and --to web, not with --to ${to}`
        : '--weights fp16 goes with float32: the weights of int8 models are bytes',
      { hint: 'Leave one of the two out.' },
    );
  if (io === 'int8' && !isEdge(to))
    throw invalidInput(`--io int8 goes with --to ${edgeTargets.join(' and --to ')}: other files take and give floats`, {
      hint: 'Leave it out.',
    });
  if (prefix !== usualPrefix && to !== 'c')
    throw invalidInput(`--prefix ${prefix} goes with --to c: other files have no names that could clash`, {
      hint: 'Leave it out.',
    });
  if (rounding === 'tflm' && to !== 'c')
    throw invalidInput(`--rounding tflm goes with --to c: what runs a file of --to ${to} decides how it rounds`, {
      hint: 'Leave it out.',
    });
}

/** Options of networks, with their defaults. */
const ofNetworks = {
  trial: undefined,
  pareto: undefined,
  precision: 'auto',
  weights: 'fp32',
  calibrated: false,
  decoded: false,
  rounding: 'exact',
  prefix: usualPrefix,
  io: 'float',
  license: undefined,
} as const satisfies Partial<Asked>;

/** @throws NasError for options of networks. */
function checkHistory(to: HistoryTarget, args: Pick<Asked, keyof typeof ofNetworks>): void {
  for (const [name, usual] of Object.entries(ofNetworks))
    if (args[name as keyof typeof ofNetworks] !== usual)
      throw invalidInput(`--${name} goes with networks, and --to ${to} writes the trials of a run`, {
        hint: 'Leave it out.',
      });
}

export const exportTrials = command({
  usage: 'export <workdir> [output]',
  summary: 'Write trained networks for use elsewhere, with class names and normalisation, or trials for other programs',
  examples: [
    ['export runs/quickstart --pareto --to onnx -o models', 'models/trial-<n>/model.onnx, metadata.json, labels.txt'],
    ['export runs/quickstart --trial 7 --to tfjs -o web/model', 'web/model/model.json for tf.loadLayersModel'],
    ['export runs/quickstart --trial 7 --to onnx --precision int8 -o model', 'in eight bits'],
    [
      'export runs/quickstart --trial 7 --to web -o site',
      'a page that answers images and a camera in the browser, in both precisions of the run',
    ],
    ['export runs/quickstart --trial 7 --to tflite --precision int8 -o phone', 'phone/model.tflite, for phones'],
    ['export runs/quickstart --trial 7 --to c -o board', 'board/model.h and model.c, for microcontrollers'],
    ['export runs/quickstart --to optuna study.db', 'all trials, for Optuna and its dashboard'],
    ['export runs/quickstart --to tensorboard logs', 'for tensorboard --logdir logs'],
    ['export runs/quickstart --to mlflow --url http://localhost:5000', 'a run with a nested run of each trial'],
    ['export faces.onnx --to onnx --decoded -o app', 'a detector that gives boxes'],
    ['export int8.onnx --to tflite --io int8 -o phone', 'of a file of nas quantize or of another program'],
    ['export tfjs/model.json --to onnx -o model', 'a TF.js layers model or graph model of any program'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', {
        type: 'string',
        demandOption: true,
        describe: "A run's folder; also an ONNX file, with --to tflite or c of any program, or a TF.js model",
      })
      .positional('output', { alias: 'o', type: 'string', describe: 'Folder to write to; with --to optuna a file' })
      .option('trial', { type: 'number', describe: 'Number of one trial' })
      .option('pareto', { type: 'boolean', describe: 'All networks of the frontier' })
      .conflicts('trial', 'pareto')
      .option('to', {
        choices: [...exportTargets, ...historyTargets],
        demandOption: true,
        describe: 'Format: of networks, or (optuna, tensorboard, mlflow) of the trials of a run',
      })
      .option('precision', {
        choices: ['auto', 'fp32', 'int8'] as const,
        default: 'auto' as const,
        describe:
          'auto: the precision that the run chose, with --to c int8; int8: quantizes with the data of the run if necessary',
      })
      .option('weights', {
        choices: ['fp32', 'fp16'] as const,
        default: 'fp32' as const,
        describe: 'fp16: float32 models with 16-bit weights, half the size',
      })
      .option(
        'calibrated',
        flag(
          'Divide the answers by a temperature fitted on the validation images, so that confidences are right; classes and labels stay the same',
        ),
      )
      .option(
        'decoded',
        flag('With --to onnx: the file of a detector gives boxes or centroids, scores and labels instead of maps'),
      )
      .option('rounding', {
        choices: ['exact', 'tflm'] as const,
        default: 'exact' as const,
        describe: 'With --to c: exact rounds once, as LiteRT; tflm twice, as TFLite Micro does by default',
      })
      .option('prefix', {
        type: 'string',
        default: usualPrefix,
        describe: 'With --to c: what names and files begin with, so that several models fit in one program',
      })
      .option('io', {
        choices: ['float', 'int8'] as const,
        default: 'float' as const,
        describe: 'With --to tflite: what the model takes and gives (C: int8); int8 goes with int8 models',
      })
      .option('url', {
        type: 'string',
        describe: 'With --to mlflow: address of the server; default: log.mlflow of the run',
      })
      .option('license', { type: 'string', describe: 'Licence that the model card names: apache-2.0, cc-by-4.0, ...' })
      .option('force', flag('Replace another export in that folder'))
      .option('json', jsonOption),
  run: (args, terminal) => {
    const { workdir, pareto = false, precision, weights, calibrated, decoded, force } = args;
    const { to, output, url, io, rounding, prefix, json: asJson } = args;
    if (url !== undefined && to !== 'mlflow')
      throw invalidInput(`--url goes with --to mlflow, not with --to ${to}`, { hint: 'Leave it out.' });
    if (isHistory(to)) {
      checkHistory(to, args);
      return withRun(workdir, async (store) => {
        const where = await historyExporters[to]({ store, workdir, output, url, force });
        if (asJson) terminal.out(json({ run: workdir, to, output }));
        else terminal.err(`${where}\n`);
      });
    }
    if (output === undefined) throw invalidInput('where to? give a folder: -o models', { hint: 'nas export --help' });
    const asked = { ...args, to, output };
    checkTarget(asked);
    if (isModel(workdir)) return fromFile(workdir, asked, terminal);
    return withRun(workdir, async (store) => {
      const written: Record<string, unknown>[] = [];
      const done = new Set<string>();
      for (const source of await chosen(store, workdir, asked)) {
        const { number } = source;
        const usual = to === 'tfjs' ? 'fp32' : to === 'c' ? 'int8' : source.precision;
        const own = to === 'tfjs' || precision === 'auto' ? usual : precision;
        const name = `trial-${number}${own === 'int8' ? '.int8' : ''}`;
        // A network on the frontier in two precisions is exported once.
        if (done.has(name)) continue;
        done.add(name);
        const directory = pareto ? join(output, name) : output;
        const [exported, fitted] = calibrated ? await confident(store, workdir, source, terminal) : [source];
        const { warnings, accuracy, said } = await writeExport(directory, force, async (staged) => {
          const wanted = {
            source: exported,
            precision: own,
            isAlone: precision !== 'auto' || calibrated,
            weights,
            directory: staged,
            decoded,
            io,
            rounding,
            prefix,
          };
          const { metadata, float, tested, ...result } = await exporters[to](store, workdir, wanted, terminal);
          const { againText, originOf, writeModelCard } = await import('../output/card.js');
          const again = againText(workdir, { ...asked, trial: number, precision: own, output: directory });
          const facts = { metadata, float, tested, ...originOf(store, workdir, number), commands: [again] };
          return { ...result, accuracy: metadata.accuracy, said: await writeModelCard(staged, asked, facts) };
        });
        written.push({
          trial: number,
          directory,
          precision: own,
          ...fitted?.(),
          accuracy,
          ...(said.length > 0 && { scores: said }),
          ...(warnings.length > 0 && { warnings }),
        });
        if (asJson) continue;
        const what = own === 'fp32' ? '' : ` (${own})`;
        terminal.err([`trial ${number}${what}: ${directory}`, ...said, ''].join('\n'));
        for (const warning of warnings) terminal.err(warningLine(warning, terminal.colors));
      }
      if (asJson) terminal.out(json(written));
    });
  },
});
