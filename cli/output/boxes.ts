import { counted } from '../../base/text.js';
import type { BoxClass, BoxesDescription, PlacedDescription, SplitCounts } from '../../experiments/data/index.js';
import { boxFormats, splitNames } from '../../trainers/index.js';
import { listed, problemSection, section } from './data.js';
import { numeric, printable, renderFacts, renderTable, type Colors, type Column, type Fact } from './terminal.js';

export const whole = (value: number): string => value.toLocaleString('en-US');
export const percent = (share: number): string =>
  `${(100 * share).toLocaleString('en-US', { maximumSignificantDigits: 2 })} %`;

/** `train 80, validation 10, test 10; test as given`. */
export function splitsFact({ splits, assigned }: PlacedDescription): Fact | false {
  const given = assigned.length === 0 ? '' : `; ${assigned.join(', ')} as given`;
  return (
    splits !== null && ['splits', `${splitNames.map((name) => `${name} ${whole(splits[name])}`).join(', ')}${given}`]
  );
}

/** The columns of the splits in a table of classes. */
export const splitColumns = <C extends PlacedClass>({ splits }: PlacedDescription): Column<C>[] =>
  splits === null ? [] : splitNames.map((split) => numeric<C>(split, (own) => whole(own.splits?.[split] ?? 0)));

function facts(description: BoxesDescription): (Fact | false)[] {
  const { ignored, withoutBoxes, unlabelled, images, boxes } = description;
  return [
    ['format', boxFormats[description.format]],
    ['boxes in an image', (boxes / images).toLocaleString('en-US', { maximumSignificantDigits: 2 })],
    withoutBoxes > 0 && ['without boxes', counted(withoutBoxes, 'image')],
    unlabelled > 0 && ['named by no file', counted(unlabelled, 'image')],
    ignored > 0 && [
      'ignored',
      counted(ignored, 'box that is a crowd or difficult', 'boxes that are crowds or difficult'),
    ],
    splitsFact(description),
  ];
}

function classTable(description: BoxesDescription, colors: Colors): string {
  const columns: Column<BoxClass>[] = [
    { title: 'class', cell: ({ name }) => printable(name) },
    numeric('boxes', ({ boxes }) => whole(boxes)),
    numeric('images', ({ images }) => whole(images)),
    ...splitColumns<BoxClass>(description),
    numeric('side', ({ sides }) =>
      sides === null ? '-' : `${percent(sides.small)} .. ${percent(sides.median)} .. ${percent(sides.large)}`,
    ),
  ];
  return renderTable(columns, description.classes, colors);
}

function sizeTable({ sizes }: BoxesDescription, colors: Colors): string {
  const columns: Column<BoxesDescription['sizes'][number]>[] = [
    numeric('network', ({ width, height }) => `${width} x ${height}`),
    numeric('under 6 px', ({ under6 }) => percent(under6)),
    numeric('6 to 16 px', ({ under16 }) => percent(under16)),
    numeric('median side', ({ median }) => `${median.toFixed(1)} px`),
  ];
  return renderTable(columns, sizes, colors);
}

/** The size of networks that the boxes ask for. */
function adviceText({ advice, images }: BoxesDescription): string {
  if (advice === null) return '';
  const { width, height, under6, small, stride } = advice;
  return (
    `At ${width} x ${height}, ${percent(under6)} of the boxes are under 6 pixels, which networks rarely find, and a tenth are under ` +
    `${small.toFixed(1)} pixels: output stride ${stride}${images < 300 ? '. These are few images for a detector from nothing' : ''}.`
  );
}

/** A class of images with boxes or masks. */
interface PlacedClass {
  readonly name: string;
  readonly images: number;
  readonly splits: SplitCounts | null;
}

/** What may spoil a run. @param one what a class is without: `a box` */
export function placedProblems(
  { refusal, findings, splits }: PlacedDescription,
  classes: readonly PlacedClass[],
  one: string,
): string[] {
  const empty = classes.filter(({ images }) => images === 0).map(({ name }) => name);
  return [
    ...(refusal === null ? [] : [`These images cannot be split: ${refusal.message}. ${refusal.hint ?? ''}`.trimEnd()]),
    ...(empty.length === 0 ? [] : [`Without ${one}: ${empty.join(', ')}.`]),
    ...splitNames.flatMap((split) => {
      const without = classes.filter((own) => own.images > 0 && own.splits?.[split] === 0).map(({ name }) => name);
      return splits === null || without.length === 0 ? [] : [`Without ${one} in ${split}: ${without.join(', ')}.`];
    }),
    ...findings.map(({ text, all }) =>
      listed(
        `${text}.`,
        all.map(({ where, detail }) => (detail === '' ? where : `${where}: ${detail}`)),
      ),
    ),
  ].map(printable);
}

/** `848 images, 4,021 boxes of 3 classes`. */
export const boxesContents = ({ images, boxes, classes }: BoxesDescription): string =>
  `${counted(images, 'image')}, ${counted(boxes, 'box', 'boxes')} of ${counted(classes.length, 'class', 'classes')}`;

/** The description of a data set of boxes, for a terminal. */
export function boxesText(description: BoxesDescription, colors: Colors): string {
  const { advice } = description;
  return [
    `${colors.bold(printable(description.name))}: ${boxesContents(description)}\n`,
    renderFacts(facts(description), colors),
    `\n${classTable(description, colors)}`,
    '  (side: root of the area of a box as a share of its image: 10 % are smaller, median, 10 % are larger)\n',
    advice === null
      ? ''
      : `\n${colors.bold('Boxes at the size of a network')}\n${sizeTable(description, colors)}  ${adviceText(description)}\n`,
    section('How it was read', description.notes.map(printable), colors),
    problemSection(placedProblems(description, description.classes, 'a box'), colors),
  ].join('');
}
