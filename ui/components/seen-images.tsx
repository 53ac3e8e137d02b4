import { useMemo, useState } from 'preact/hooks';
import { outcomeText, worstOf, worstTitle, type KeptImage } from '../../base/seen-images.js';
import { isBoxTask } from '../../base/task.js';
import { precisionRecallOption } from '../charts/precision-recall.js';
import { useRun } from '../data/hooks.js';
import { Chart, useChartTheme } from './chart.js';
import { Classes } from './classes.js';
import { SeenLegend } from './seen-legend.js';
import { nameOf, needsToken, PrivateImage, useMayShow } from './private-image.js';
import type { ResultProps } from './wrong-images.js';

/** The most images of a list. */
const most = 24;

/** Results of a detector or a segmenter by class, and images with its boxes or masks. */
export function ClassesWithImages({ report, trial, precision }: ResultProps) {
  const { live } = useRun();
  const theme = useChartTheme();
  const [label, setLabel] = useState<number | null>(null);
  const mayShow = useMayShow();
  const { classes, seen, of, task } = report;
  const names = classes.map(({ name }) => name);
  const option = useMemo(() => precisionRecallOption({ classes, theme }), [classes, theme]);
  const hasCurves = classes.some(({ curve }) => curve !== undefined);
  const folder = `/api/runs/${encodeURIComponent(live.id)}/wrong/${trial}/${precision}`;
  const worst = seen === undefined ? [] : worstOf(seen, label ?? undefined);
  const list = (images: readonly KeptImage[]) => (
    <ul class="wrong-images seen-images">
      {images.slice(0, most).map((image) => (
        <li key={image.row}>
          {mayShow && <PrivateImage address={`${folder}/${image.row}`} name={nameOf(image)} />}
          <span>{outcomeText(image, names)}</span>
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
          <h3>{worstTitle(task)}</h3>
          <SeenLegend task={task} />
          <p class="note" role="status">
            {worst.length === 0
              ? `${isBoxTask(task) ? 'No box is missed or wrong' : 'No pixel is wrong'}. `
              : `Of ${of}. `}
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
                {names.map((name, i) => (
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
          Images with the found {isBoxTask(task) ? 'boxes' : 'pixels'} are stored when a network of the frontier is
          exported at the end of a run; this result has none. <code>nas evaluate</code> with <code>--sheet</code> draws
          them for an exported file.
        </p>
      )}
    </>
  );
}
