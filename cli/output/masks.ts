import { counted } from '../../base/text.js';
import type { MaskClass, MasksDescription } from '../../experiments/data/index.js';
import { percent, placedProblems, splitColumns, splitsFact, whole } from './boxes.js';
import { problemSection, section } from './data.js';
import { numeric, printable, renderFacts, renderTable, type Colors, type Column, type Fact } from './terminal.js';

/** `1,344 images with masks of 6 classes`. */
export const masksContents = ({ images, classes }: MasksDescription): string =>
  `${counted(images, 'image')} with masks of ${counted(classes.length, 'class', 'classes')}`;

function facts(description: MasksDescription): (Fact | false)[] {
  const { ignored, plain } = description;
  return [
    ignored > 0 && ['ignored', `${percent(ignored)} of the pixels`],
    plain > 0 && ['of one class', counted(plain, 'image')],
    splitsFact(description),
  ];
}

/** The description of a data set of masks, for a terminal. */
export function masksText(description: MasksDescription, colors: Colors): string {
  const { name, classes, notes } = description;
  const columns: Column<MaskClass>[] = [
    { title: 'class', cell: (own) => printable(own.name) },
    numeric('pixels', ({ share }) => percent(share)),
    numeric('images', ({ images }) => whole(images)),
    ...splitColumns<MaskClass>(description),
    numeric('of an image', ({ median }) => (median === null ? '-' : percent(median))),
  ];
  return [
    `${colors.bold(printable(name))}: ${masksContents(description)}\n`,
    renderFacts(facts(description), colors),
    `\n${renderTable(columns, classes, colors)}`,
    '  (of an image: the median share of its pixels where the class is there)\n',
    section('How it was read', notes.map(printable), colors),
    problemSection(placedProblems(description, classes, 'a pixel'), colors),
  ].join('');
}
