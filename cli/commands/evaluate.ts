import { invalidInput } from '../../base/errors.js';
import { readInput } from '../../base/files.js';
import { comparedTo } from '../../base/paired.js';
import { areOfMaps, classFacts, mainScores } from '../../base/scores.js';
import { isMapTask } from '../../base/task.js';
import { command, dataOrBoxesOption, jsonOption, flag } from '../command.js';
import { wholeNumber } from '../arguments/values.js';
import { comparisonTable, evaluatedFacts, evaluatedJson, scoredText, type Evaluated } from '../output/evaluated.js';
import { classListing, seenListing, sidesListing, wrongListing } from '../output/classes.js';
import { sheetWriter } from '../output/sheet.js';
import { json, renderFacts, warningLine, type Terminal } from '../output/terminal.js';
import { createCounter } from '../progress/counter.js';

const splits = ['test', 'validation', 'train'] as const;

/** The options that concern each file. */
interface Asked {
  readonly data: string;
  readonly split: (typeof splits)[number];
  readonly size: number | undefined;
  readonly threads: number;
  readonly provider: string;
  /** Whether the latency is measured. */
  readonly times: boolean;
  /** Whether images that are answered wrong are kept. */
  readonly keepsWrong: boolean;
  /** Called with what was noticed in the images. */
  readonly onNote: (message: string) => void;
}

/** A model file in ONNX. */
interface Subject {
  readonly file: string;
  readonly model: Uint8Array;
}

async function openSubject(file: string, { size, provider }: Asked): Promise<Subject> {
  const { classifierFile, requireRunnable } = await import('../../compiler/index.js');
  const { tfliteAsOnnx } = await import('../../deploy/index.js');
  const isTflite = file.endsWith('.tflite');
  if (isTflite && size !== undefined)
    throw invalidInput(`--size ${size}: ${file} takes images of one size`, { hint: 'Leave --size out.' });
  const model = isTflite ? tfliteAsOnnx(readInput(file), file) : await classifierFile(file, size);
  await requireRunnable(model, file, { provider });
  return { file, model };
}

/** Classifies the images of a split, and measures the latency where asked for. */
async function evaluated({ file, model }: Subject, asked: Asked, terminal: Terminal): Promise<Evaluated> {
  const { data, split, threads, provider, times, keepsWrong } = asked;
  const { readMetadata, renderingOfModel } = await import('../../deploy/index.js');
  const { parseDatasetOrBoxes, prepareFor } = await import('../arguments/dataset.js');
  const { evaluateOnSplit } = await import('../../runner/index.js');
  const { describeDataset } = await import('../../trainers/index.js');
  const { createDevice, deviceSchema, measureOne, precisionText, saturates } =
    await import('../../latency-models/index.js');
  const { classReport } = await import('../../reports/index.js');
  const rendering = renderingOfModel(model, file);
  const config = await parseDatasetOrBoxes(data, rendering);
  const counter = createCounter(terminal);
  const dataset = await prepareFor(data, config, rendering, {
    onProgress: counter.show('images converted'),
    onNote: asked.onNote,
  });
  // The seed of the bootstrap of boxes: the same file has the same errors.
  const options = {
    where: file,
    threads,
    provider,
    keepsWrong,
    seed: 1,
    onNote: asked.onNote,
    onProgress: counter.show('images classified'),
  };
  const scores = await evaluateOnSplit(model, dataset, split, options);
  const device = createDevice(deviceSchema.parse({ provider, threads }));
  // What runs here is an ONNX file in place of a .tflite file, whose latency is another one.
  const isTimed = times && !file.endsWith('.tflite');
  const onProgress = counter.show('blocks timed');
  const latency = isTimed ? await measureOne(device, model, undefined, { onProgress }) : null;
  const isSaturated = latency !== null && (await saturates(device, model, latency.environment));
  counter.close();
  const { classes } = describeDataset(dataset);
  const report = classReport(classes, scores.details, `the ${split} images`);
  const executed = latency === null ? {} : { executed: precisionText(latency.environment) };
  return { file, split, threads, metadata: readMetadata(model), scores, report, latency, ...executed, isSaturated };
}

const noSheet = (file: string) =>
  invalidInput(`--sheet: ${file} is neither a detector nor a segmenter`, {
    hint: '--wrong lists mistakes of classifiers.',
  });

/** The page of `--sheet`. */
async function sheetOf(found: Evaluated) {
  const { file, report } = found;
  const { details } = found.scores;
  if (!areOfMaps(details)) throw noSheet(file);
  const { seenSheet } = await import('../../experiments/data/index.js');
  const { renderPrecisionRecall } = await import('../../ui/index.js');
  const facts = classFacts(report).map(([name, value]) => `${name} ${value}`);
  const chart = renderPrecisionRecall(report);
  const summary = [[`${mainScores[details.type].title} ${scoredText(found)}`, ...facts].join(', ')];
  const classes = report.classes.map(({ name }) => name);
  return seenSheet({
    ...{ name: file, of: report.of, classes, details, summary },
    charts: chart === null ? [] : [chart],
  });
}

export const evaluate = command({
  usage: 'evaluate <models..>',
  summary: 'Measure the accuracy and the latency of classifiers, detectors or segmenters',
  examples: [
    ['evaluate models/trial-7/model.onnx --data runs/quickstart', 'on the test images of its run'],
    ['evaluate model.onnx --data cifar10:data/cifar-10-batches-bin --split validation', 'on other data'],
    ['evaluate faces.onnx --data boxes:photos', 'a detector on images with boxes: AP50, AP, F1'],
    [
      'evaluate faces.onnx --data boxes:photos --sheet found.html',
      'and a page of images with right, missed and wrong boxes',
    ],
    [
      'evaluate tiles.onnx --data masks:tiles --sheet found.html',
      'a segmenter on images with masks: mIoU, IoU by class',
    ],
    ['evaluate float.onnx int8.onnx phone/model.tflite --data runs/x', 'side by side: do they differ?'],
  ],
  options: (yargs) =>
    yargs
      .positional('models', {
        type: 'string',
        array: true,
        demandOption: true,
        describe:
          'ONNX files, .tflite files of nas export, or TF.js models: a folder, its model.json or a .zip of them',
      })
      .option('data', dataOrBoxesOption)
      .option('split', {
        choices: splits,
        default: 'test' as const,
        describe: 'Images',
      })
      .option('size', {
        type: 'number',
        describe: 'Height and width of the images, where they are others than the model was exported for',
      })
      .option('threads', { type: 'number', default: 1, describe: 'Threads of ONNX Runtime' })
      .option('provider', { type: 'string', default: 'cpu', describe: 'Execution provider, as nas doctor lists them' })
      .option('latency', { type: 'boolean', describe: 'Measure the latency; default: of one file' })
      .option(
        'wrong',
        flag(
          'Lists the images that it takes for another class with the highest confidence, or with most missed and wrong boxes or pixels',
        ),
      )
      .option('sheet', {
        alias: 'o',
        type: 'string',
        describe:
          'Write images with right, missed and wrong boxes of a detector, or pixels of a segmenter, to this .html file',
      })
      .option('json', jsonOption),
  run: async ({ models, data, split, threads, provider, wrong, sheet, json: asJson, ...args }, terminal) => {
    const writeSheet = sheetWriter(sheet);
    const isOne = models.length === 1;
    const single = sheet !== undefined ? '--sheet' : wrong ? '--wrong' : undefined;
    if (!isOne && single !== undefined)
      throw invalidInput(`${single} is for one file, and ${models.length} are given`, {
        hint: 'Give them one by one.',
      });
    const size = args.size === undefined ? undefined : wholeNumber('--size', args.size, 8);
    const keepsWrong = wrong || sheet !== undefined || !isOne;
    // Several files mostly take the same images: their notes are printed once.
    const notes = new Set<string>();
    const onNote = (message: string): void => {
      if (!notes.has(message)) terminal.err(`${message}\n`);
      notes.add(message);
    };
    const asked = { data, split, size, threads, provider, times: args.latency ?? isOne, keepsWrong, onNote };
    const subjects: Subject[] = [];
    for (const file of models) subjects.push(await openSubject(file, asked));
    const { readMetadata } = await import('../../deploy/index.js');
    // A file of another program may be a segmenter: that shows when it meets the masks.
    const { task } = readMetadata(subjects[0].model);
    if (sheet !== undefined && task !== undefined && !isMapTask(task.type)) throw noSheet(models[0]);
    const all: Evaluated[] = [];
    for (const subject of subjects) {
      const one = await evaluated(subject, asked, terminal);
      const compared = comparedTo((all.at(0) ?? one).scores, one.scores);
      all.push({ ...one, ...(!isOne && compared && { compared }) });
    }
    const [first] = all;
    await writeSheet(() => sheetOf(first));
    if (asJson) {
      terminal.out(json(isOne ? evaluatedJson(first) : all.map(evaluatedJson)));
      return;
    }
    const { colors } = terminal;
    if (isOne) {
      const { report } = first;
      terminal.out(renderFacts(evaluatedFacts(first), colors));
      terminal.out(classListing(report, colors));
      terminal.out(sidesListing(report, colors));
      if (wrong && report.wrong !== undefined) terminal.out(wrongListing(report, report.wrong, colors));
      if (wrong) terminal.out(seenListing(report, colors));
      if (sheet !== undefined) terminal.out(`\nwrote ${sheet}\n`);
    } else terminal.out(comparisonTable(all, colors));
    const { saturationText } = await import('../../latency-models/index.js');
    for (const { file, isSaturated } of all)
      if (isSaturated)
        terminal.err(warningLine(`${file}: ${saturationText}. The accuracy above is that of exact arithmetic`, colors));
  },
});
