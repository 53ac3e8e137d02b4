import { useMemo } from 'preact/hooks';
import { mainScores, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { CurvePoint } from '../../reports/page/api.js';
import { useQuery } from '../data/hooks.js';
import { extentOf, spansDecades } from '../charts/axis.js';
import { curvesOption, stages, type Curve, type Quantity } from '../charts/curves.js';
import { fitText } from '../data/curves.js';
import { Chart, useChartTheme } from './chart.js';
import { Checkbox, Select } from './elements.js';
import { numberColumn, Table } from './table.js';

/** The most rows of a table of curves. */
const mostRows = 2000;

function CurveTable({ task, curves }: { readonly task: TaskType; readonly curves: readonly Curve[] }) {
  const { title, ofTraining } = mainScores[task];
  return (
    <Table
      label="Learning curves"
      rows={curves
        .flatMap(({ label, stage, points }) => points.map((point) => ({ label, stage, ...point })))
        .slice(0, mostRows)}
      columns={[
        { title: 'network', heading: true, cell: ({ label }) => label },
        { title: 'training', cell: ({ stage }) => stages[stage] },
        { title: 'epoch', numeric: true, cell: ({ epoch }) => epoch + 1 },
        { title: 'training loss', numeric: true, cell: ({ trainLoss }) => trainLoss.toPrecision(4) },
        { title: 'validation loss', numeric: true, cell: ({ validationLoss }) => validationLoss.toPrecision(4) },
        ...(ofTraining
          ? [numberColumn(`training ${title}`, ({ trainAccuracy }: CurvePoint) => scoreText(task, trainAccuracy))]
          : []),
        numberColumn(`validation ${title}`, ({ validationAccuracy }: CurvePoint) =>
          scoreText(task, validationAccuracy),
        ),
      ]}
    />
  );
}

/** The most networks that are judged in words. */
const mostFits = 8;

/** Whether the last trainings still improved, one sentence for each network. */
function Fits({ curves }: { readonly curves: readonly Curve[] }) {
  const last = new Map(curves.map((curve) => [curve.label, curve]));
  const texts = [...last.values()].flatMap(({ label, stage, points }) => {
    const text = fitText(points);
    return text === null ? [] : [`${label}, ${stages[stage]}: ${text}`];
  });
  if (texts.length === 0 || texts.length > mostFits) return null;
  return (
    <ul class="note fits">
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

interface CurvesProps {
  readonly task: TaskType;
  readonly curves: readonly Curve[];
  /** Whose curves they are: `the frontier`. */
  readonly of: string;
  readonly onPoint?: (key: unknown) => void;
}

const quantities: readonly Quantity[] = ['score', 'loss'];

/** Learning curves: score and loss of the validation and the training images, beside each other. */
export function Curves({ task, curves, of, onPoint }: CurvesProps) {
  const [query, change] = useQuery();
  const theme = useChartTheme();
  const labels = new Set(curves.map(({ label }) => label)).size;
  // More lines would hide each other.
  const training = query['training'] === undefined ? labels <= 3 : query['training'] === '1';
  const losses = curves.flatMap(({ points }) => points.map(({ validationLoss }) => validationLoss));
  const log = query['loss'] === undefined ? spansDecades(extentOf(losses)) : query['loss'] === 'log';
  const smoothing = Number(query['smooth'] ?? 1) || 1;
  const options = useMemo(
    () => quantities.map((quantity) => curvesOption({ task, quantity, curves, training, log, smoothing, theme })),
    [task, curves, training, log, smoothing, theme],
  );
  return (
    <>
      <div class="toolbar">
        <Checkbox label="training images" checked={training} onChange={(on) => change({ training: on ? '1' : '0' })} />
        <Checkbox label="log loss" checked={log} onChange={(on) => change({ loss: on ? 'log' : 'linear' })} />
        <Select
          label="smoothing"
          value={String(smoothing)}
          options={[
            ['1', 'none'],
            ['3', '3 epochs'],
            ['9', '9 epochs'],
          ]}
          onChange={(value) => change({ smooth: value === '1' ? null : value })}
        />
      </div>
      <div class="side-charts">
        {quantities.map((quantity, i) => (
          <div key={quantity}>
            <Chart
              option={options[i]}
              height={320}
              zoom="x"
              {...(onPoint && { onPoint })}
              label={`${quantity === 'score' ? mainScores[task].title : 'loss'} by epoch of ${of}`}
              {...(quantity === 'loss' && { table: () => <CurveTable task={task} curves={curves} /> })}
            />
          </div>
        ))}
      </div>
      <p class="note">
        Solid: validation images. {training && 'Dotted: training images, with the loss that is trained. '}
        {new Set(curves.map(({ stage }) => stage)).size > 1 && 'Hollow marks: in the search.'}
      </p>
      <Fits curves={curves} />
    </>
  );
}
