import { type ClassReport, type ClassRow, type ConfusedClasses } from '../../reports/index.js';
import { estimateText } from '../../base/certainty.js';
import { percent, valueText } from '../../base/number-text.js';
import {
  columnsOf,
  confusionText,
  confusionUnit,
  outputColumns,
  outputNames,
  sideTitle,
  type SideRecall,
  type WrongImages,
} from '../../base/scores.js';
import { outcomeText, worstTitle, type KeptImage } from '../../base/seen-images.js';
import { isBoxTask } from '../../base/task.js';
import { type Colors, type Column, renderTable, numeric } from './terminal.js';

const tableColumns = ({ task, classes: [first] }: ClassReport): readonly Column<ClassRow>[] => [
  { title: outputNames[task][0], cell: ({ name }) => name },
  ...columnsOf(first).map((key) => {
    const [title, unit] = outputColumns[key];
    return numeric(title, (row: ClassRow) => estimateText(unit, row[key], row.errors[key]));
  }),
];

const confusedColumns = ({ task }: ClassReport): readonly Column<ConfusedClasses>[] => [
  { title: 'class', cell: ({ actual }) => actual },
  { title: 'taken for', cell: ({ predicted }) => predicted },
  numeric(confusionUnit(task), ({ count }) => `${count}`),
];

/** Most classes of a matrix that fits a terminal. */
const mostInMatrix = 12;
/** Most rows of a table; of more classes, the ones with the lowest recall are shown. */
const mostRows = 30;

function confusionTable(report: ClassReport, colors: Colors): string {
  const { matrix, classes, confused, task } = report;
  if (confused.length === 0) return '';
  if (matrix === null || classes.length > mostInMatrix)
    return `\n${colors.bold('Most frequent confusions')}\n${renderTable(confusedColumns(report), confused, colors)}`;
  const rows = matrix.map((counts, c) => ({ counts, c }));
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'class \\ predicted', cell: ({ c }) => classes[c].name },
    ...classes.map(({ name }, p) =>
      numeric(name, ({ counts, c }: (typeof rows)[number]) => {
        const text = confusionText(task, counts, p);
        return c === p ? colors.bold(text) : text;
      }),
    ),
  ];
  return `\n${colors.bold('Confusion matrix')}\n${renderTable(columns, rows, colors)}`;
}

/** Tables of a network's results by class. */
export function classListing(report: ClassReport, colors: Colors): string {
  const { classes, of, task } = report;
  const hardest = [...classes].sort((a, b) => (a.recall ?? 2) - (b.recall ?? 2)).slice(0, mostRows);
  const shown = classes.length > mostRows ? hardest : classes;
  const which = shown === classes ? '' : `, the ${mostRows} of ${classes.length} with the lowest recall`;
  const table = renderTable(tableColumns(report), shown, colors);
  return `\n${colors.bold(`${outputNames[task][1]} (${of}${which})`)}\n${table}${confusionTable(report, colors)}`;
}

/** The images that a network takes for another class with the highest confidence. */
export function wrongListing({ classes, of }: ClassReport, { images }: WrongImages, colors: Colors): string {
  const columns: Column<WrongImages['images'][number]>[] = [
    { title: 'image', cell: ({ path, row }) => path ?? `image ${row} of the data set` },
    { title: 'class', cell: ({ actual }) => classes[actual].name },
    { title: 'taken for', cell: ({ predicted }) => classes[predicted].name },
    numeric('probability', ({ probability }) => percent(probability)),
  ];
  const title = colors.bold(`Most confident mistakes of ${of}`);
  return `\n${title}\n${renderTable(columns, images.slice(0, mostRows), colors)}`;
}

const sideColumns: readonly Column<SideRecall>[] = [
  { title: 'side', cell: sideTitle },
  numeric('boxes', ({ boxes }) => `${boxes}`),
  numeric('found', ({ recall }) => valueText('share', recall)),
];

/** Which share of the boxes a detector finds, by their side in pixels of the network; empty for other tasks. */
export const sidesListing = ({ sides }: ClassReport, colors: Colors): string =>
  sides === undefined
    ? ''
    : `\n${colors.bold('Found boxes by their side in pixels of the network')}\n${renderTable(sideColumns, sides, colors)}`;

/** The images with the highest errors in their boxes or pixels; empty where they are not kept. */
export function seenListing({ seen, task, classes }: ClassReport, colors: Colors): string {
  if (seen === undefined) return '';
  const names = classes.map(({ name }) => name);
  const columns: Column<KeptImage>[] = [
    { title: 'image', cell: ({ path, row }) => path ?? `image ${row} of the data set` },
    { title: isBoxTask(task) ? 'boxes' : 'pixels', cell: (image) => outcomeText(image, names) },
  ];
  return `\n${colors.bold(worstTitle(task))}\n${renderTable(columns, seen.worst.slice(0, mostRows), colors)}`;
}
