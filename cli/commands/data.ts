import { checkWritable } from '../../base/files.js';
import { shellWord } from '../../base/text.js';
import type { ContactSheet, DataDescription } from '../../experiments/data/index.js';
import type { DataConfig, ImageRow, ImageSurvey, PlacedConfig, ReadBoxesOptions } from '../../trainers/index.js';
import { hasRun } from '../../runner/stored/workdir.js';
import { command, jsonOption } from '../command.js';
import { sheetWriter } from '../output/sheet.js';
import { json, type Colors } from '../output/terminal.js';

interface Asked {
  readonly config: DataConfig;
  readonly survey: ImageSurvey | null;
  /** Values of the experiment that a proposal may replace, by their keys; null: there is no experiment. */
  readonly written: Readonly<Record<string, unknown>> | null;
  /** Whether `nas init --images` takes the argument. */
  readonly proposable: boolean;
}

/** What an argument means; null: a folder or an archive of images with boxes or masks. */
async function askedFor(images: string): Promise<Asked | null> {
  const { parseDataset, isDataset, experimentFor } = await import('../arguments/dataset.js');
  const { isImageFiles, surveyImages } = await import('../../trainers/index.js');
  const isExperiment = /\.ya?ml$/.test(images);
  if (!isExperiment && !isDataset(images) && !hasRun(images)) {
    const { surveyed } = await import('../../runner/propose.js');
    const { holdsMasks } = await import('../../trainers/index.js');
    const found = (await holdsMasks(images)) ? null : await surveyed(images);
    return found && { ...found, written: null, proposable: true };
  }
  const known = experimentFor(images);
  const experiment = isExperiment && known !== undefined ? known : null;
  const config = known?.data ?? parseDataset(images, undefined);
  if (!isImageFiles(config)) return { config, survey: null, written: null, proposable: false };
  const { size, channels, damaged = 'refuse' } = config;
  const survey = await surveyImages(config);
  const written = experiment && {
    // Smaller images than the experiment's are a choice; larger ones than the files have nothing to show.
    ...(Math.min(...[size].flat()) > survey.side && { 'data.size': size }),
    'data.channels': channels,
    'data.damaged': damaged,
    ...(experiment.train.class_weight === undefined && { 'train.class_weight': 'none' }),
  };
  return { config, survey, written, proposable: false };
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Lines about an experiment for the images: all proposed values, or the ones that differ from the experiment's. */
function proposal(
  images: string,
  { proposed, damaged, assigned }: DataDescription,
  { written, proposable }: Asked,
): string[] {
  const values = Object.entries(proposed ?? {}).filter(
    ([key]) => !assigned.some((split) => key === `data.${split}`) && (key !== 'data.damaged' || damaged.length > 0),
  );
  if (written !== null)
    return values.flatMap(([key, value]) =>
      key in written && written[key] !== value ? [`${key}: ${value}; the experiment has ${shown(written[key])}`] : [],
    );
  if (values.length === 0) return [];
  const parts = [...new Set(values.map(([key]) => key.split('.')[0]))].map((part) => {
    const own = values.filter(([key]) => key.startsWith(`${part}.`));
    return `${part}: { ${own.map(([key, value]) => `${key.slice(part.length + 1)}: ${value}`).join(', ')} }`;
  });
  const next = `nas init --images ${shellWord(images)} writes such an experiment, with the reasons.`;
  return proposable ? [...parts, next] : parts;
}

/** Images with boxes or masks, their description and their contact sheet. */
async function describedPlaced(config: PlacedConfig, options: ReadBoxesOptions, colors: Colors) {
  const { boxesSheet, describeBoxes, describeMasks, masksSheet } = await import('../../experiments/data/index.js');
  if (config.type === 'masks') {
    const { masksText } = await import('../output/masks.js');
    const found = await describeMasks(config, options);
    return { found, sheet: () => masksSheet(found), text: masksText(found.description, colors) };
  }
  const { boxesText } = await import('../output/boxes.js');
  const found = await describeBoxes(config, options);
  return { found, sheet: () => boxesSheet(found), text: boxesText(found.description, colors) };
}

export const data = command({
  usage: 'data <images>',
  summary: 'Tell what a data set holds and what is wrong with it: classes, splits, damaged files, duplicates',
  examples: [
    ['data photos', 'a folder with one folder for each class; archives (.zip, .tar.gz) and tables (.csv) too'],
    ['data photos --sheet sheet.html', 'with a page of images of each class and of all suspicious pairs'],
    ['data boxes:faces', 'images with boxes: COCO JSON, Pascal VOC, YOLO or CSV; the boxes by class and size'],
    [
      'data masks:tiles --sheet sheet.html',
      'images with masks: the pixels of each class, and images under their masks',
    ],
    ['data experiment.yaml --splits splits.csv', 'with a table of which image is in which split'],
    ['data experiment.yaml --json', 'the data of an experiment, as the networks see it'],
  ],
  options: (yargs) =>
    yargs
      .positional('images', {
        type: 'string',
        demandOption: true,
        describe:
          'Folder, archive or table of images, an experiment file, the folder of a run, or type:path (list:folder, boxes:folder, masks:folder, cifar10:folder)',
      })
      .option('sheet', {
        alias: 'o',
        type: 'string',
        describe: 'Write a contact sheet to this .html file: images of each class as networks see them',
      })
      .option('splits', { type: 'string', describe: 'Write path, label and split of each image to this .csv file' })
      .option('json', jsonOption),
  run: async ({ images, sheet, splits, json: asJson }, terminal) => {
    const writeSheet = sheetWriter(sheet);
    if (splits !== undefined) checkWritable(splits);
    const { placedAt, placedAtPath } = await import('../arguments/boxes.js');
    const { isPlaced } = await import('../../trainers/index.js');
    const named = await placedAt(images);
    const given = named === null ? await askedFor(images) : null;
    // The folder of a run may have boxes or masks.
    const placed = named ?? (given !== null && isPlaced(given.config) ? given.config : null);
    const asked = placed === null ? given : null;
    const { contactSheet, describeData, placedRows } = await import('../../experiments/data/index.js');
    const { preparingData } = await import('../../runner/prepare-plan.js');
    const { writeImages } = await import('../../runner/inputs.js');
    const { watch } = await import('../watch-run.js');
    const { dataText } = await import('../output/data.js');
    const { colors } = terminal;
    const write = async (rows: () => readonly ImageRow[], drawn: () => Promise<ContactSheet>): Promise<void> => {
      if (splits !== undefined) writeImages(splits, rows());
      await writeSheet(drawn);
    };
    const text = await watch(async (observe, signal) => {
      const options = preparingData('Reading the images', observe, signal);
      if (asked === null) {
        const config = placed ?? (await placedAtPath(images));
        const { found, sheet: drawn, text: described } = await describedPlaced(config, options, colors);
        await write(() => placedRows(found.images, found.data.classes, found.splits), drawn);
        return asJson ? json(found.description) : described;
      }
      return describeData(asked.config, asked.survey, options, async (described) => {
        const { description, inspected } = described;
        await write(inspected.rows, () => contactSheet(described));
        return asJson ? json(description) : dataText(description, proposal(images, description, asked), colors);
      });
    }, terminal);
    terminal.out(text);
    if (asJson) return;
    for (const file of [sheet, splits]) if (file !== undefined) terminal.out(`\nwrote ${file}\n`);
  },
});
