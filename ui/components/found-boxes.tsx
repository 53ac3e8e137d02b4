import { valueText } from '../../base/number-text.js';
import { boxSizes, sideTitle, type SideRecall } from '../../base/scores.js';
import { counted } from '../../base/text.js';
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
