import posix from 'node:path/posix';
import { rgb } from './picture.js';

/** Names of classes as a file lists them. */
export interface ClassTable {
  /** The file, for messages. */
  readonly name: string;
  /** Whether the values are colours, as 0xrrggbb, or values of pixels. */
  readonly isColours: boolean;
  readonly entries: readonly { readonly value: number; readonly name: string }[];
}

const tables =
  /^_?(classes|class_names|labels|label_names|names|codes|categories|class_dict\w*|labelmap|label_map|label_colou?rs?|colou?rs?|colormap|palette|class_colou?rs?)\.(txt|csv|tsv|names)$/i;

/** Whether a file may list the names of classes. */
export const isClassTable = (path: string): boolean => tables.test(posix.basename(path));

/**
 * Reads a table of classes: `name,r,g,b` or `r g b name` (colours), `value name`, or a name on each line. A heading and comments are
 * left out.
 */
export function readClassTable(text: string, name: string): ClassTable | null {
  const rows = text
    .split(/\r?\n/)
    .map((line) => line.replace(/^\s*#.*$/, '').trim())
    .filter((line) => line !== '')
    .map(readRow);
  const numbers = (count: number) => rows.filter((row) => row.numbers.length === count && row.name !== '');
  const [colours, values] = [numbers(3), numbers(1)];
  const most = Math.max(1, rows.length - 1);
  if (colours.length >= most)
    return {
      name,
      isColours: true,
      entries: colours.map((row) => ({ value: rgb(row.numbers[0], row.numbers[1], row.numbers[2]), name: row.name })),
    };
  if (values.length >= most && rows.length > 1)
    return { name, isColours: false, entries: values.map((row) => ({ value: row.numbers[0], name: row.name })) };
  return rows.length === 0
    ? null
    : { name, isColours: false, entries: rows.map(({ line }, value) => ({ value, name: line })) };
}

/** A line as its name and the numbers of 0 to 255 beside it. */
function readRow(line: string): { readonly line: string; readonly name: string; readonly numbers: readonly number[] } {
  // `background:0,0,0::` of CVAT, `name,r,g,b`, and numbers before the name.
  const cells = line
    .split(/[,;:\t]+/)
    .flatMap((cell) => (/^[\d\s.]+$/.test(cell) ? cell.trim().split(/\s+/) : [cell.trim()]));
  const led = cells.length === 1 ? /^((?:\d+\s+)+)(.*)$/.exec(cells[0]) : null;
  const trailed = cells.length === 1 ? /^(.*?)((?:\s+\d+)+)$/.exec(cells[0]) : null;
  const parts =
    led !== null
      ? [...led[1].trim().split(/\s+/), led[2]]
      : trailed !== null
        ? [trailed[1], ...trailed[2].trim().split(/\s+/)]
        : cells;
  const isNumber = (cell: string): boolean => /^\d+$/.test(cell) && Number(cell) <= 255;
  return {
    line,
    name: parts.find((part) => part !== '' && !isNumber(part)) ?? '',
    numbers: parts.filter(isNumber).map(Number),
  };
}

/** The classes of Cityscapes by their ids; the other ids are ignored. */
export const cityscapes: readonly (readonly [id: number, name: string])[] = [
  [7, 'road'],
  [8, 'sidewalk'],
  [11, 'building'],
  [12, 'wall'],
  [13, 'fence'],
  [17, 'pole'],
  [19, 'traffic light'],
  [20, 'traffic sign'],
  [21, 'vegetation'],
  [22, 'terrain'],
  [23, 'sky'],
  [24, 'person'],
  [25, 'rider'],
  [26, 'car'],
  [27, 'truck'],
  [28, 'bus'],
  [31, 'train'],
  [32, 'motorcycle'],
  [33, 'bicycle'],
];

/** The classes of PASCAL VOC by their values. */
export const pascalVoc = (
  'background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep ' +
  'sofa train tvmonitor'
).split(' ');
