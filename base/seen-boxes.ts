import { assigned, boxesOfClass, overlaps, type BoxedImage } from './average-precision.js';
import type { Box, Extent } from './boxes.js';

/** What a box in a picture is, from the one that is drawn first to the one on top of all. */
export const seenKinds = ['ignored', 'right', 'missed', 'wrong'] as const;
export type SeenKind = (typeof seenKinds)[number];

/** A box that was found above the threshold of its class, or a box of the data that was missed or is ignored. */
export interface SeenBox extends Box {
  readonly label: number;
  readonly kind: SeenKind;
  /** Of found boxes. */
  readonly score?: number;
}

/** An image with its boxes in pixels of the original image. */
export interface SeenImage extends Extent {
  readonly row: number;
  /** Its file, relative to the data set; absent in data sets that hold no image files. */
  readonly path?: string;
  readonly boxes: readonly SeenBox[];
}

/** Some of the images that a network was evaluated on. */
export interface Chosen<I> {
  /** The images with the highest errors: of all, and of each class. */
  readonly worst: readonly I[];
  /** Images at equal distances in the data. */
  readonly sample: readonly I[];
}

/** Chosen images; `row` is the place of an image in a converted data set. */
export interface Kept<I> extends Chosen<I> {
  /** Folder of the converted data set at the evaluation. */
  readonly directory: string;
}

/** Most images that are kept: the worst of all, of each class, and in all; and others. */
const most = { all: 24, class: 3, total: 60, sample: 8 };
/** Most boxes of an image that are kept. */
const mostBoxes = 200;

export const isError = ({ kind }: Pick<SeenBox, 'kind'>): boolean => kind === 'missed' || kind === 'wrong';

/**
 * The outcome of each box of an image. A found box is right with an overlap of 1/2, a centroid with its middle in the box. Found boxes
 * on ignored ones are left out.
 */
export function boxOutcomes(image: BoxedImage, thresholds: readonly number[]): SeenBox[] {
  const outcomes = thresholds.flatMap((threshold, label): SeenBox[] => {
    const found = image.found.filter(({ score }) => score >= threshold);
    const boxes = boxesOfClass({ ...image, found }, label);
    const places = assigned(
      boxes,
      boxes.truths.map(({ ignored }) => ignored),
      overlaps[0],
    );
    return [
      ...boxes.truths.flatMap(({ left, top, right, bottom, ignored }, place): SeenBox[] => {
        if (!ignored && places.includes(place)) return [];
        return [{ left, top, right, bottom, label, kind: ignored ? 'ignored' : 'missed' }];
      }),
      ...boxes.found.flatMap((box, i): SeenBox[] => {
        if (places[i] >= 0 && boxes.truths[places[i]].ignored) return [];
        return [{ ...box, kind: places[i] < 0 ? 'wrong' : 'right' }];
      }),
    ];
  });
  return outcomes.sort((a, b) => seenKinds.indexOf(b.kind) - seenKinds.indexOf(a.kind)).slice(0, mostBoxes);
}

/**
 * Chooses the images that are kept.
 * @param outcomes the boxes of each image
 */
export function seenImages(
  outcomes: readonly (readonly SeenBox[])[],
  classes: number,
  imageAt: (row: number) => SeenImage,
): Chosen<SeenImage> {
  const errors = (row: number, label?: number): number =>
    outcomes[row].filter((box) => isError(box) && (label === undefined || box.label === label)).length;
  const { worst, sample } = chosenRows(outcomes.length, classes, errors);
  return { worst: worst.map(imageAt), sample: sample.map(imageAt) };
}

/**
 * The images that are kept: the worst of all and of each class, and others at equal distances.
 * @param errorsOf how bad an image is: of one class, or of all
 */
export function chosenRows(
  images: number,
  classes: number,
  errorsOf: (row: number, label?: number) => number,
): Chosen<number> {
  const worstOf = (count: number, label?: number): number[] =>
    Array.from({ length: images }, (_, row) => ({ row, errors: errorsOf(row, label) }))
      .filter(({ errors }) => errors > 0)
      .sort((a, b) => b.errors - a.errors || a.row - b.row)
      .slice(0, count)
      .map(({ row }) => row);
  const worst = new Set(worstOf(most.all));
  for (let label = 0; label < classes; label++)
    for (const row of worstOf(most.class, label)) if (worst.size < most.total) worst.add(row);
  const sample = Math.min(most.sample, images);
  return {
    worst: [...worst],
    sample: Array.from({ length: sample }, (_, i) => Math.floor(((i + 0.5) * images) / sample)),
  };
}

/** A box with few digits, as it is stored. */
export const rounded = ({ left, top, right, bottom, label, kind, score }: SeenBox): SeenBox => {
  const tenths = (value: number): number => Number(value.toFixed(1));
  return {
    ...{ left: tenths(left), top: tenths(top), right: tenths(right), bottom: tenths(bottom), label, kind },
    ...(score !== undefined && { score: Number(score.toFixed(3)) }),
  };
};

/** How many boxes of each kind. */
export const countsOfKinds = (boxes: readonly SeenBox[]): Readonly<Record<SeenKind, number>> => {
  const count = (kind: SeenKind): number => boxes.filter((box) => box.kind === kind).length;
  return { ignored: count('ignored'), right: count('right'), missed: count('missed'), wrong: count('wrong') };
};

/** `5 right, 2 missed, 1 wrong`. */
export const kindsText = (boxes: readonly SeenBox[]): string => {
  const { ignored, right, missed, wrong } = countsOfKinds(boxes);
  return `${right} right, ${missed} missed, ${wrong} wrong${ignored === 0 ? '' : `, ${ignored} ignored`}`;
};

/** How each kind is drawn: colours, and dashes for readers who see no colours. */
export const kindMarks: {
  readonly [K in SeenKind]: { readonly title: string; readonly colour: string; readonly dash: string };
} = {
  ignored: { title: 'ignored', colour: '#d0d5da', dash: '1 3' },
  right: { title: 'right', colour: '#2fb457', dash: '' },
  missed: { title: 'missed', colour: '#ff9a1f', dash: '8 4' },
  wrong: { title: 'wrong', colour: '#ff3b30', dash: '2.5 3' },
};
