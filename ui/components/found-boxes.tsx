import { valueText } from '../../base/number-text.js';
import { boxSizes, sideTitle, type SideRecall } from '../../base/scores.js';
import { counted } from '../../base/text.js';
import { kindMarks, seenKinds } from '../../base/seen-boxes.js';
import type { ClassReport } from '../../reports/page/api.js';
import { numberColumn, Table, type Column } from './table.js';

const share = (value: number | null): string => valueText('share', value);

const sideColumns: readonly Column<SideRecall>[] = [
  { title: 'side', heading: true, cell: sideTitle },
  numberColumn('boxes', ({ boxes }: SideRecall) => boxes),
  numberColumn('found', ({ recall }: SideRecall) => share(recall)),
];

const areas = { small: 'under 32 x 32 px', medium: 'to 96 x 96 px', large: 'larger' } as const;

/** Results of a detector by the size of boxes. */
export function BySize({ report: { sides = [], sizes } }: { readonly report: ClassReport }) {
  if (sides.length === 0) return null;
  const [smallest] = sides;
  return (
    <>
      <h3>Boxes by size</h3>
      <p class="note">
        {smallest.recall === null
          ? `No box is ${sideTitle(smallest)} at the size of the network. `
          : `Of ${counted(smallest.boxes, 'box', 'boxes')} ${sideTitle(smallest)} at the size of the network, ${share(smallest.recall)} are found. `}
        The side is the root of the area.
        {sizes !== undefined &&
          ` AP by area in the original image: ${boxSizes.map((size) => `${areas[size]} ${share(sizes[size])}`).join(', ')}.`}
      </p>
      <Table label="Found boxes by their side in pixels of the network" rows={sides} columns={sideColumns} />
    </>
  );
}

/** What the lines of boxes mean. */
export const BoxLegend = () => (
  <p class="note box-legend">
    {seenKinds.toReversed().map((kind) => {
      const { title, colour, dash } = kindMarks[kind];
      return (
        <span key={kind}>
          <svg width="30" height="16" aria-hidden="true">
            <rect x="1.5" y="1.5" width="27" height="13" class="edge" stroke-dasharray={dash} />
            <rect
              x="1.5"
              y="1.5"
              width="27"
              height="13"
              fill="none"
              stroke={colour}
              stroke-width="2"
              stroke-dasharray={dash}
            />
          </svg>{' '}
          {title}
        </span>
      );
    })}
  </p>
);
