import { counted } from '../../base/text.js';
import type { BoxClass, BoxesDescription } from '../../experiments/data/index.js';
import { boxFormats, splitNames } from '../../trainers/index.js';
import { listed, problemSection, section } from './data.js';
import { numeric, printable, renderFacts, renderTable, type Colors, type Column, type Fact } from './terminal.js';

const whole = (value: number): string => value.toLocaleString('en-US');
const percent = (share: number): string =>
  `${(100 * share).toLocaleString('en-US', { maximumSignificantDigits: 2 })} %`;

function facts(description: BoxesDescription): (Fact | false)[] {
  const { ignored, withoutBoxes, unlabelled, splits, assigned, images, boxes } = description;
  const given = assigned.length === 0 ? '' : `; ${assigned.join(', ')} as given`;
  const counts = splits && splitNames.map((name) => `${name} ${whole(splits[name])}`).join(', ');
  return [
    ['format', boxFormats[description.format]],
    ['boxes in an image', (boxes / images).toLocaleString('en-US', { maximumSignificantDigits: 2 })],
    withoutBoxes > 0 && ['without boxes', counted(withoutBoxes, 'image')],
    unlabelled > 0 && ['named by no file', counted(unlabelled, 'image')],
    ignored > 0 && [
      'ignored',
      counted(ignored, 'box that is a crowd or difficult', 'boxes that are crowds or difficult'),
    ],
    counts !== null && ['splits', `${counts}${given}`],
  ];
}

function classTable({ classes, splits }: BoxesDescription, colors: Colors): string {
  const columns: Column<BoxClass>[] = [
    { title: 'class', cell: ({ name }) => printable(name) },
    numeric('boxes', ({ boxes }) => whole(boxes)),
    numeric('images', ({ images }) => whole(images)),
    ...(splits === null
      ? []
      : splitNames.map((split) => numeric<BoxClass>(split, (own) => whole(own.splits?.[split] ?? 0)))),
    numeric('side', ({ sides }) =>
      sides === null ? '-' : `${percent(sides.small)} .. ${percent(sides.median)} .. ${percent(sides.large)}`,
    ),
  ];
  return renderTable(columns, classes, colors);
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

function problems({ refusal, findings, classes, splits }: BoxesDescription): string[] {
  const empty = classes.filter(({ boxes }) => boxes === 0).map(({ name }) => name);
  return [
    ...(refusal === null ? [] : [`These images cannot be split: ${refusal.message}. ${refusal.hint ?? ''}`.trimEnd()]),
    ...(empty.length === 0 ? [] : [`Without a box: ${empty.join(', ')}.`]),
    ...splitNames.flatMap((split) => {
      const without = classes.filter((own) => own.boxes > 0 && own.splits?.[split] === 0).map(({ name }) => name);
      return splits === null || without.length === 0 ? [] : [`Without a box in ${split}: ${without.join(', ')}.`];
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
    problemSection(problems(description), colors),
  ].join('');
}
