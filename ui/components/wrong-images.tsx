import { useState } from 'preact/hooks';
import { percent } from '../../base/number-text.js';
import type { ClassReport, StoredPrecision } from '../../reports/page/api.js';
import { useRun } from '../data/hooks.js';
import { Classes } from './classes.js';
import { needsToken, nameOf, PrivateImage, useMayShow } from './private-image.js';

/** The most images of a list. */
const most = 24;

export interface ResultProps {
  readonly report: ClassReport;
  readonly trial: number;
  readonly precision: StoredPrecision;
}

/** Results by class, and the images that the network takes for other classes with the highest confidence. */
export function ClassesWithMistakes({ report, trial, precision }: ResultProps) {
  const { live } = useRun();
  const [pair, setPair] = useState<readonly [actual: number, predicted: number] | null>(null);
  const mayShow = useMayShow();
  const { wrong, classes, task, of } = report;
  const names = classes.map(({ name }) => name);
  const images = (wrong?.images ?? []).filter(
    ({ actual, predicted }) => pair === null || (actual === pair[0] && predicted === pair[1]),
  );
  const folder = `/api/runs/${encodeURIComponent(live.id)}/wrong/${trial}/${precision}`;
  return (
    <>
      <Classes report={report} {...(wrong && { onPair: (actual, predicted) => setPair([actual, predicted]) })} />
      {wrong !== undefined && (
        <>
          <h3>Most confident mistakes</h3>
          <p class="note" role="status">
            {images.length === 0 ? 'No image is taken for another class' : `Of ${of}`}
            {pair !== null && `: ${names[pair[0]]} taken for ${names[pair[1]]}. `}
            {pair === null && ', by falling confidence. A click on a number of the matrix shows its images. '}
            {pair !== null && (
              <button type="button" onClick={() => setPair(null)}>
                All classes
              </button>
            )}
            {!mayShow && needsToken}
          </p>
          <ul class="wrong-images">
            {images.slice(0, most).map(({ row, path, actual, predicted, probability }) => {
              const file = nameOf({ path, row });
              return (
                <li key={row}>
                  {mayShow && <PrivateImage address={`${folder}/${row}`} name={file} />}
                  <span>
                    <b>{names[actual]}</b> taken for <b>{names[predicted]}</b>, {percent(probability)}
                  </span>
                  <code title={file}>{file}</code>
                </li>
              );
            })}
          </ul>
        </>
      )}
      {wrong === undefined && task === 'classification' && (
        <p class="note">
          The images that it takes for other classes are stored when a network of the frontier is exported at the end of
          a run; this result has none. <code>nas evaluate</code> with <code>--wrong</code> lists them for an exported
          file.
        </p>
      )}
    </>
  );
}
