import { kindMarks, seenKinds, type SeenKind } from '../../base/seen-boxes.js';
import { isBoxTask, type TaskType } from '../../base/task.js';

/** The line of a box. */
function Line({ kind }: { readonly kind: SeenKind }) {
  const { colour, dash } = kindMarks[kind];
  const box = { x: '1.5', y: '1.5', width: '27', height: '13', 'stroke-dasharray': dash };
  return (
    <>
      <rect {...box} class="edge" />
      <rect {...box} fill="none" stroke={colour} stroke-width="2" />
    </>
  );
}

const stripes = {
  rising: 'M-6 16l16-16M2 16l16-16M10 16l16-16M18 16l16-16',
  falling: 'M-6 0l16 16M2 0l16 16M10 0l16 16M18 0l16 16',
};

/** The area of pixels, as pictures show it. */
function Area({ kind }: { readonly kind: SeenKind }) {
  const { colour } = kindMarks[kind];
  return (
    <>
      <rect width="30" height="16" fill={colour} fill-opacity="0.35" />
      {kind !== 'right' && (
        <path d={stripes[kind === 'missed' ? 'rising' : 'falling']} stroke={colour} stroke-width="4" />
      )}
    </>
  );
}

/** What the lines of boxes, or the colours of pixels, mean; with dashes and stripes for readers who see no colours. */
export function SeenLegend({ task }: { readonly task: TaskType }) {
  const isOfBoxes = isBoxTask(task);
  const Mark = isOfBoxes ? Line : Area;
  return (
    <p class="note seen-legend">
      {seenKinds
        .filter((kind) => isOfBoxes || kind !== 'ignored')
        .toReversed()
        .map((kind) => (
          <span key={kind}>
            <svg width="30" height="16" aria-hidden="true">
              <Mark kind={kind} />
            </svg>{' '}
            {kindMarks[kind].title}
            {!isOfBoxes && kind === 'missed' && ' (background was found)'}
          </span>
        ))}
      {!isOfBoxes && 'White lines: borders of classes in the data.'}
    </p>
  );
}
