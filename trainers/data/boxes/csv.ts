import { groupBy } from '../../../base/group.js';
import { readCsvLines } from '../../../base/csv.js';
import { counted } from '../../../base/text.js';
import { imageColumns, splitCell } from '../reading/list.js';
import { compareNames, kindOf, type SplitMeaning } from '../reading/names.js';
import { columnOf, readTable, type Table } from '../reading/table.js';
import { numberIn, wrong, type RawBox, type RawData, type RawImage, type Text } from './raw.js';
import type { BoxesConfig } from '../schema.js';
import { splitOfPath } from './split-paths.js';

const sides = ['width,w,bbox_width', 'height,h,bbox_height'];
/** The names of the four columns of a box, by what they mean. */
const shapes = {
  'left, top, right, bottom': [
    'x1,xmin,x_min,left,bbox_x1',
    'y1,ymin,y_min,top,bbox_y1',
    'x2,xmax,x_max,right,bbox_x2',
    'y2,ymax,y_max,bottom,bbox_y2',
  ],
  'x and y of the centre, width, height': ['x_center,xcenter,center_x,cx', 'y_center,ycenter,center_y,cy', ...sides],
  'left, top, width, height': ['x,bbox_x', 'y,bbox_y', ...sides],
} as const;
type Shape = keyof typeof shapes;
const usual = {
  image: [...imageColumns, 'image_name', 'imageid'],
  label: 'label,class,class_name,category,label_name,labelname,name,target,class_id',
  split: 'split,subset,partition,set',
  ignored: 'iscrowd,isgroupof,difficult,ignore,crowd',
} as const;

/** Index of the first of some columns that a table has; -1: none. */
const indexOf = ({ columns }: Pick<Table, 'columns'>, names: string): number =>
  names.split(',').reduce((at, name) => (at >= 0 ? at : columns.findIndex((one) => one.toLowerCase() === name)), -1);

/** The shape of the boxes of a table, and the indices of its four columns; null: it has no boxes. */
function shapeOf(table: Pick<Table, 'columns'>): { readonly shape: Shape; readonly at: readonly number[] } | null {
  for (const shape of Object.keys(shapes) as Shape[]) {
    const at = shapes[shape].map((names) => indexOf(table, names));
    if (at.every((index) => index >= 0)) return { shape, at };
  }
  return null;
}

/** The columns of files for RetinaNet, which do not name them. */
const unnamed = ['image', 'x1', 'y1', 'x2', 'y2', 'label'];
const isUnnamed = (cells: readonly string[]): boolean =>
  cells.length === unnamed.length &&
  kindOf(cells[0]) === 'image' &&
  cells.slice(1, -1).every((cell) => Number.isFinite(Number(cell)));

/** Whether the first line of a CSV file has the columns of a box, or a box. */
export function looksLikeBoxes({ bytes }: Text): boolean {
  const [header] = bytes.toString('utf8', 0, 4096).split(/\r?\n/);
  const columns = header.split(/[,;\t|]/).map((name) =>
    name
      .replace(/^\ufeff/, '')
      .trim()
      .replaceAll('"', ''),
  );
  return shapeOf({ columns }) !== null || isUnnamed(columns);
}

function tableOf({ name, bytes }: Text): Table {
  const { lines, format } = readCsvLines(name, bytes);
  if (lines.length === 0 || !isUnnamed(lines[0].cells)) return readTable(name, bytes);
  return { file: name, columns: unnamed, rows: lines, format: `${format}, no line of names` };
}

interface Row {
  readonly image: string;
  readonly values: readonly number[] | null;
  readonly label: string;
  readonly ignored: boolean;
  readonly split: SplitMeaning['split'] | null;
  readonly group: string | undefined;
  readonly where: string;
}

/** Reads CSV with a row for each box; a row without a box is an image without boxes. @throws NasError `invalid-input` with file and line */
export function readCsv(texts: readonly Text[], group: BoxesConfig['group']): RawData {
  const notes: string[] = [];
  const tables = texts.flatMap((text) => {
    const table = tableOf(text);
    const found = shapeOf(table);
    return found === null ? [] : [{ text, table, ...found, rows: rowsOf(table, found.at, group) }];
  });
  const boxes = tables.flatMap(({ rows }) => rows.filter((row) => row.values !== null));
  const relative = boxes.every((row) => row.values?.every((value) => value >= -0.5 && value <= 1.5));
  for (const { table, shape, at } of tables) {
    const columns = at.map((index) => table.columns[index]).join(', ');
    const unit = relative ? 'shares of the image' : 'pixels';
    notes.push(
      `${table.file}: ${counted(table.rows.length, 'row')}, ${table.format}; ${columns} are ${shape} in ${unit}.`,
    );
  }
  const classes = [...new Set(boxes.map(({ label }) => label))].sort(compareNames);
  const images = tables.flatMap(({ text, shape, rows }) => imagesOf(text, shape, rows, classes, texts.length > 1));
  return { format: 'csv', classes, images, relative, notes };
}

const csvHint =
  'Expected columns image, x1, y1, x2, y2, label; or image, x, y, width, height, label; or x_center and y_center instead of x and y.';

function rowsOf(table: Table, at: readonly number[], group: string | undefined): Row[] {
  const image = columnOf(table, 'image', undefined, usual.image);
  const [label, split, ignored] = [usual.label, usual.split, usual.ignored].map((names) => indexOf(table, names));
  const ofGroup = group === undefined ? -1 : columnOf(table, 'group', group, []);
  return table.rows.map(({ cells, line }): Row => {
    const where = `${table.file}, line ${line}`;
    if (cells[image] === '') throw wrong(where, `${table.columns[image]} is empty`, 'Give the row its image.');
    const texts = at.map((index) => cells[index]);
    const isEmpty = texts.every((text) => text === '');
    if (!isEmpty && label >= 0 && cells[label] === '')
      throw wrong(where, `${table.columns[label]} is empty, but the row has a box`, 'Give the box its class.');
    const flag = ignored < 0 ? '0' : cells[ignored];
    if (!/^(0|1|-1|true|false|)$/i.test(flag))
      throw wrong(where, `${table.columns[ignored]} is ${JSON.stringify(flag)}; expected 0 or 1`, csvHint);
    return {
      image: cells[image],
      values: isEmpty ? null : texts.map((text, i) => numberIn(text, table.columns[at[i]], where)),
      label: label < 0 ? 'object' : cells[label],
      ignored: /^(1|true)$/i.test(flag),
      split: split < 0 ? null : splitCell(table, cells[split], line),
      group: ofGroup < 0 ? undefined : cells[ofGroup],
      where,
    };
  });
}

function imagesOf(
  { file }: Text,
  shape: Shape,
  rows: readonly Row[],
  classes: readonly string[],
  isSplit: boolean,
): RawImage[] {
  const labels = new Map(classes.map((name, label) => [name, label]));
  const folder = file.path.split('/').slice(0, -1).join('/');
  return [...groupBy(rows, ({ image }) => image)].map(([image, own]) => {
    const [first] = own;
    for (const key of ['split', 'group'] as const) {
      const other = own.find((row) => row[key] !== first[key]);
      if (other !== undefined)
        throw wrong(
          other.where,
          `the ${key} of ${image} is ${JSON.stringify(other[key] ?? '')}, and ${JSON.stringify(first[key] ?? '')} in another row`,
          `All rows of an image have one ${key}.`,
        );
    }
    const boxes = own.flatMap(({ values, label, ignored, where }): RawBox[] => {
      if (values === null) return [];
      return [{ ...boxFrom(shape, values), label: labels.get(label) ?? label, ignored, where: () => where }];
    });
    const split = first.split ?? (isSplit ? splitOfPath(file.path) : null) ?? splitOfPath(image.replaceAll('\\', '/'));
    return { image, folder, boxes, split, group: first.group, where: () => first.where };
  });
}

function boxFrom(shape: Shape, [a, b, c, d]: readonly number[]) {
  switch (shape) {
    case 'left, top, right, bottom':
      return { left: a, top: b, right: c, bottom: d };
    case 'x and y of the centre, width, height':
      return { left: a - c / 2, top: b - d / 2, right: a + c / 2, bottom: b + d / 2 };
    case 'left, top, width, height':
      return { left: a, top: b, right: a + c, bottom: b + d };
  }
}
