import { useMemo, useState } from 'preact/hooks';
import { isError, kindsText, type SeenImage } from '../../base/seen-boxes.js';
import { precisionRecallOption } from '../charts/precision-recall.js';
import { useRun } from '../data/hooks.js';
import { Chart, useChartTheme } from './chart.js';
import { Classes } from './classes.js';
import { BoxLegend } from './found-boxes.js';
import { nameOf, needsToken, PrivateImage, useMayShow } from './private-image.js';
import type { ResultProps } from './wrong-images.js';

/** The most images of a list. */
const most = 24;

/** Results by class and size of a detector, and images with its boxes. */
export function ClassesWithBoxes({ report, trial, precision }: ResultProps) {
  const { live } = useRun();
  const theme = useChartTheme();
  const [label, setLabel] = useState<number | null>(null);
  const mayShow = useMayShow();
  const { classes, seen, of } = report;
  const option = useMemo(() => precisionRecallOption({ classes, theme }), [classes, theme]);
  const hasCurves = classes.some(({ curve }) => curve !== undefined);
  const folder = `/api/runs/${encodeURIComponent(live.id)}/wrong/${trial}/${precision}`;
  const errors = ({ boxes }: SeenImage): number =>
    boxes.filter((box) => isError(box) && (label === null || box.label === label)).length;
  const worst = (seen?.worst ?? []).filter((image) => errors(image) > 0).toSorted((a, b) => errors(b) - errors(a));
  const list = (images: readonly SeenImage[]) => (
    <ul class="wrong-images seen-images">
      {images.slice(0, most).map((image) => (
        <li key={image.row}>
          {mayShow && <PrivateImage address={`${folder}/${image.row}`} name={nameOf(image)} />}
          <span>{kindsText(image.boxes)}</span>
          <code title={nameOf(image)}>{nameOf(image)}</code>
        </li>
      ))}
    </ul>
  );
  return (
    <>
      <Classes report={report} />
      {hasCurves && (
        <>
          <h3>Precision and recall</h3>
          <p class="note">
            {report.task === 'centroids' ? 'With the middle in the box' : 'With an overlap of 1/2'}; marks: at the
            threshold of each class.
          </p>
          <Chart option={option} label="Precision and recall of each class" height={360} />
        </>
      )}
      {seen !== undefined && (
        <>
          <h3>Images with most missed and wrong boxes</h3>
          <BoxLegend />
          <p class="note" role="status">
            {worst.length === 0 ? 'No box is missed or wrong. ' : `Of ${of}. `}
            {!mayShow && needsToken}
          </p>
          {classes.length > 1 && (
            <label>
              Class{' '}
              <select
                value={label ?? ''}
                onChange={({ currentTarget: { value } }) => setLabel(value === '' ? null : Number(value))}
              >
                <option value="">all</option>
                {classes.map(({ name }, i) => (
                  <option key={i} value={i}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
          {list(worst)}
          <h3>Other images</h3>
          <p class="note">At equal distances in the data.</p>
          {list(seen.sample)}
        </>
      )}
      {seen === undefined && (
        <p class="note">
          Images with found boxes are stored when a network of the frontier is exported at the end of a run; this result
          has none. <code>nas evaluate</code> with <code>--sheet</code> draws them for an exported file.
        </p>
      )}
    </>
  );
}
