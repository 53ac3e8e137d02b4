import { invalidInput, type NasError } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import type { MasksConfig } from '../schema.js';
import { cityscapes, pascalVoc, type ClassTable } from './names.js';
import { colourText, countValues, rgb, type Picture } from './picture.js';

/** What a mask holds: the number of its pixels of each value. */
export interface SurveyedMask extends Omit<Picture, 'data'> {
  readonly counts: ReadonlyMap<number, number>;
}

export const surveyOf = ({ data, ...picture }: Picture): SurveyedMask => ({
  ...picture,
  counts: countValues({ ...picture, data }),
});

/** Which class each value of the masks is. */
export interface Meaning {
  readonly classes: readonly string[];
  /** Whether values are colours, as 0xrrggbb. */
  readonly isColours: boolean;
  /** The class of each known value, or `ignoredPixel`. */
  readonly entries: readonly (readonly [value: number, label: number])[];
  /** Whether the masks have one class besides the background, whose pixels a folder may name. */
  readonly isBinary: boolean;
}

/** The class of unknown values. */
export const unknownValue = -1;

/** The class of each value of a mask, `ignoredPixel`, or `unknownValue`. */
export function labelsOf({ isColours, entries }: Meaning, picture: Omit<Picture, 'data'>): (value: number) => number {
  const known = new Map(entries);
  if (!isColours) return (value) => known.get(value) ?? unknownValue;
  const { palette, channels, lossy } = picture;
  const near = (colour: number): number => {
    // Lossy compression changes colours, and mixes the colours of neighbouring pixels.
    let [best, least] = [unknownValue, Infinity];
    for (const [other, label] of entries) {
      const square = [16, 8, 0].reduce(
        (sum, bits) => sum + (((colour >> bits) & 255) - ((other >> bits) & 255)) ** 2,
        0,
      );
      if (square < least) [best, least] = [label, square];
    }
    known.set(colour, best);
    return best;
  };
  return (value) => {
    const colour = channels === 3 ? value : palette === undefined ? rgb(value, value, value) : (palette[value] ?? 0);
    return known.get(colour) ?? (lossy ? near(colour) : unknownValue);
  };
}

/** The number of pixels of each value of all masks. */
function totals(masks: readonly SurveyedMask[], isColours: boolean): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { counts, channels, palette } of masks)
    for (const [value, count] of counts) {
      const grey = palette === undefined ? rgb(value, value, value) : (palette[value] ?? 0);
      const own = isColours && channels === 1 ? grey : value;
      sums.set(own, (sums.get(own) ?? 0) + count);
    }
  return new Map([...sums].sort(([a], [b]) => a - b));
}

/** More values than this are no classes without a list of names. */
const mostUnnamed = 64;
const ignoredNames = /^(void|ignored?|ignore[ _-]?(label|region)?|unlabell?ed|out[ _-]of[ _-]roi)$/i;

interface Named {
  readonly value: number;
  readonly name: string;
}

export interface MeaningOptions extends Pick<MasksConfig, 'path' | 'classes' | 'ignore'> {
  /** A file that names classes; null: there is none. */
  readonly table: ClassTable | null;
  /** What the names of the mask files say. */
  readonly convention: 'cityscapes-ids' | 'cityscapes-train-ids' | 'voc' | null;
}

/** What all masks hold. */
interface Held {
  readonly masks: readonly SurveyedMask[];
  readonly isColours: boolean;
  /** Value, rising → the number of its pixels. */
  readonly sums: ReadonlyMap<number, number>;
}

/** The names of values, also of values that are ignored afterwards. */
interface Naming {
  readonly named: readonly Named[];
  /** The labels of values without a name. */
  readonly others?: Meaning['entries'];
  readonly isBinary?: boolean;
  readonly notes?: readonly string[];
}

const ignored255: Meaning['entries'] = [[255, ignoredPixel]];
const textOf = (value: number, { isColours }: Held): string => (isColours ? colourText(value) : String(value));
const textsOf = (values: Iterable<number>, held: Held): string[] => Array.from(values, (value) => textOf(value, held));

/**
 * Decides what the values of masks mean.
 * @throws NasError `invalid-input` when they are too many, or names do not fit
 */
export function meaningOf(masks: readonly SurveyedMask[], options: MeaningOptions, notes: string[]): Meaning {
  const { path, classes, ignore = [], table } = options;
  const isColours = masks.some(({ channels }) => channels === 3) || table?.isColours === true;
  const held: Held = { masks, isColours, sums: totals(masks, isColours) };
  const published = classes === undefined ? (byTable(held, options) ?? byCityscapes(options)) : null;
  const naming = published ?? byTwoValues(held, options) ?? byValue(held, options);
  notes.push(...(naming.notes ?? []));
  const isIgnored = ({ name, value }: Named): boolean =>
    ignore.some((one) => one === name || one === value || String(one).toLowerCase() === textOf(value, held)) ||
    ignoredNames.test(name);
  const kept = naming.named.filter((one) => !isIgnored(one));
  const left = naming.named.filter(isIgnored);
  if (left.length > 0) notes.push(`Ignored pixels: ${left.map(({ name }) => name).join(', ')}.`);
  const names = [...new Set(kept.map(({ name }) => name))];
  checkNames(names, path, ignore, naming.named);
  return {
    classes: names,
    isColours,
    entries: [
      ...(naming.others ?? []),
      ...kept.map(({ value, name }) => [value, names.indexOf(name)] as const),
      ...left.map(({ value }) => [value, ignoredPixel] as const),
    ],
    isBinary: naming.isBinary === true && names.length === 2,
  };
}

/** The names of a file beside the masks. */
function byTable({ isColours }: Held, { table }: MeaningOptions): Naming | null {
  if (table === null || (isColours && !table.isColours)) return null;
  const others = isColours || table.entries.some(({ value }) => value === 255) ? [] : ignored255;
  return { named: table.entries, others, notes: [`Classes are those of ${table.name}.`] };
}

function byCityscapes({ convention }: MeaningOptions): Naming | null {
  if (convention === 'cityscapes-train-ids')
    return { named: cityscapes.map(([, name], value) => ({ value, name })), others: ignored255 };
  if (convention !== 'cityscapes-ids') return null;
  return {
    named: cityscapes.map(([value, name]) => ({ value, name })),
    others: Array.from({ length: 256 }, (_, id) => [id, ignoredPixel] as const),
    notes: ['Masks of Cityscapes: the ids of its 19 training classes; the others are ignored.'],
  };
}

/** Background and foreground. */
function byTwoValues(held: Held, { path, classes }: MeaningOptions): Naming | null {
  const found = twoClusters(held);
  if (found === null) return null;
  const { low, high, noise } = found;
  if (classes !== undefined && classes.length !== 2)
    throw wrongCount(path, classes, 2, textsOf(held.sums.keys(), held));
  const [background, foreground] = classes ?? ['background', 'foreground'];
  const named = [
    { value: low, name: background },
    { value: high, name: foreground },
  ];
  const binary = { named, isBinary: classes === undefined };
  if (noise === 0) return binary;
  const note = `Masks have ${noise} grey values near black and white: from ${threshold} on, a pixel is foreground.`;
  return { ...binary, others: greys(), notes: [note] };
}

/** A class for each value; 255 beside small values is none. */
function byValue(held: Held, options: MeaningOptions): Naming {
  const values = [...held.sums.keys()];
  const isVoid =
    !held.isColours && values.at(-1) === 255 && (values.length > 2 || values[0] !== 0) && (values.at(-2) ?? 255) < 128;
  const found = isVoid ? values.slice(0, -1) : values;
  const naming = byGivenNames(found, held, options) ?? byVoc(found, held, options) ?? unnamed(found, held, options);
  if (!isVoid) return naming;
  const note = 'Ignored pixels: those of the value 255.';
  return { ...naming, others: ignored255, notes: [note, ...(naming.notes ?? [])] };
}

/** The names of `data.classes`: by value where each value is a position in that list, else in the order of the values. */
function byGivenNames(found: readonly number[], held: Held, { path, classes }: MeaningOptions): Naming | null {
  if (classes === undefined) return null;
  const isPosition = !held.isColours && found.every((value) => value < classes.length);
  if (!isPosition && found.length !== classes.length)
    throw wrongCount(path, classes, found.length, textsOf(found, held));
  return { named: classes.map((name, i) => ({ value: isPosition ? i : found[i], name })) };
}

function byVoc(found: readonly number[], { masks, isColours }: Held, { convention }: MeaningOptions): Naming | null {
  const isVoc =
    convention === 'voc' && !isColours && found.every((value) => value < pascalVoc.length) && isVocPalette(masks);
  if (!isVoc) return null;
  return { named: pascalVoc.map((name, value) => ({ value, name })), notes: ['Classes are those of PASCAL VOC.'] };
}

function unnamed(found: readonly number[], { isColours }: Held, { path }: MeaningOptions): Naming {
  if (found.length > mostUnnamed)
    throw invalidInput(
      `${path}: the masks have ${found.length > 4096 ? 'thousands of' : found.length} ${isColours ? 'colours' : 'values'}, more than ${mostUnnamed}`,
      {
        hint: `Name the ${isColours ? 'colours in a file class_dict.csv (name,r,g,b)' : 'values in a file classes.txt, a name on each line'} beside the images; compressed with losses (JPEG), masks have many.`,
      },
    );
  const nameOf = (value: number): string =>
    isColours && value !== 0 ? colourText(value) : value === 0 ? 'background' : `class ${value}`;
  const note = `No file names the classes: they have the names of ${isColours ? 'their colours' : 'their values'}; data.classes names them.`;
  return { named: found.map((value) => ({ value, name: nameOf(value) })), notes: [note] };
}

/** From here on, a grey is white. */
const threshold = 128;
const greys = (): (readonly [number, number])[] =>
  Array.from({ length: 256 }, (_, value) => [value, Number(value >= threshold)]);

/** The two values of binary masks, and how many greys near them there are besides; null: there are other values. */
function twoClusters({ sums, isColours }: Held) {
  const values = [...sums.keys()];
  if (values.length === 1 && values[0] === 0) return { low: 0, high: isColours ? 0xffffff : 255, noise: 0 };
  if (values.length === 2 && values[0] === 0) return { low: 0, high: values[1], noise: 0 };
  if (isColours || values.length <= 3 || !sums.has(0) || !sums.has(255)) return null;
  let [middle, all] = [0, 0];
  for (const [value, count] of sums) {
    all += count;
    if (value >= 40 && value < 216) middle += count;
  }
  // A few greys may be classes; noise is near the ends.
  return middle < 0.02 * all && (values.length > 16 || middle === 0)
    ? { low: 0, high: 255, noise: values.length - 2 }
    : null;
}

/** Whether palettes begin with the colours of PASCAL VOC, or there are none. */
const isVocPalette = (masks: readonly SurveyedMask[]): boolean =>
  masks.every(({ palette }) => palette === undefined || palette.length < 2 || palette[1] === rgb(128, 0, 0));

const wrongCount = (path: string, classes: readonly string[], count: number, values: readonly string[]): NasError =>
  invalidInput(
    `${path}: data.classes names ${counted(classes.length, 'class', 'classes')}, but the masks have ${counted(count, 'value')}: ${values.slice(0, 20).join(', ')}`,
    { hint: 'Name one class for each value, in this order.' },
  );

function checkNames(names: readonly string[], path: string, ignore: readonly unknown[], all: readonly Named[]): void {
  if (names.length > ignoredPixel)
    throw invalidInput(`${path}: there are ${names.length} classes; at most ${ignoredPixel} fit into masks`, {
      hint: 'Leave classes out with data.ignore, or join them: classes of one name are one.',
    });
  const unknown = ignore.find(
    (one) =>
      typeof one === 'string' &&
      !one.startsWith('#') &&
      !all.some(({ name, value }) => name === one || String(value) === one),
  );
  if (unknown !== undefined)
    throw invalidInput(`data.ignore names ${JSON.stringify(unknown)}, which is no class of ${path}`, {
      hint: `Its classes are ${all.map(({ name }) => name).join(', ')}.`,
    });
  if (names.length === 0) throw invalidInput(`${path}: all classes are ignored`, { hint: 'Shorten data.ignore.' });
}
