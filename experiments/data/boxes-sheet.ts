import { counted } from '../../base/text.js';
import { drawBoxes, type BoxMark } from './box-picture.js';
import type { DescribedBoxes } from './boxes.js';
import { placedSheet, sheetPicture } from './placed-sheet.js';
import type { ContactSheet } from './sheet.js';

/** Boxes of the row's class, of other classes, and ignored ones: told apart by width and dashes, too. */
const colours = { own: '#ff8c00', other: '#ffffff' };

/** Draws a contact sheet: some images of each class with all their boxes, and the images with findings. */
export function boxesSheet({ description, data, images, splits }: DescribedBoxes): Promise<ContactSheet> {
  const { name, classes, findings } = description;
  return placedSheet(
    { tree: data.tree, images, classes, splits, findings },
    {
      name,
      summary: [
        `${counted(description.images, 'image')} with ${counted(description.boxes, 'box', 'boxes')}. Thick lines: boxes of the row's class; thin lines: other classes; dashes: ignored.`,
        'Below each name: its boxes, its images, and how many of the boxes are for training / validation / test.',
      ],
      rowOf: (label) => [counted(classes[label].boxes, 'box', 'boxes'), counted(classes[label].images, 'image')],
      imageOf: (at) => counted(data.images[at].boxes.length, 'box', 'boxes'),
    },
    async (bytes, at, own) => {
      const { default: sharp } = await import('sharp');
      const image = data.images[at];
      const isOwn = ({ label }: { readonly label: number }): boolean => own === null || label === own;
      // The boxes of the subject lie on top.
      const marks = [...image.boxes]
        .sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)))
        .map((box): BoxMark => {
          const [colour, line] = isOwn(box) ? [colours.own, 2] : [colours.other, 0.8];
          return { ...box, colour, line, dash: box.ignored ? '6 4' : '' };
        });
      return drawBoxes(sharp(bytes).autoOrient(), image, marks, sheetPicture);
    },
  );
}
