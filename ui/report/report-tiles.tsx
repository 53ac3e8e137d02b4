import { count, duration, valueText } from '../../base/number-text.js';
import type { ReportData } from '../../experiments/page/api.js';
import { Tiles, type TileText } from '../components/tiles.js';
import { accuracyAmong, sliced, unusualAccuracy } from '../data/measures.js';
import { textOf, titleOf } from '../data/text.js';

const seconds = ({ run: { startedAt, updatedAt } }: ReportData): number =>
  (Date.parse(updatedAt) - Date.parse(startedAt)) / 1000;

const best = (values: readonly (number | null | undefined)[]): string => {
  const known = values.filter((value) => value !== null && value !== undefined);
  return valueText('share', known.length === 0 ? null : Math.max(...known));
};

/** The best value of the first objective in a table. */
function bestOfFirst({ objectives: [{ name, direction }], measures, frontier }: ReportData): TileText {
  const values = frontier.map((member) => member.values[name]);
  const top = direction === 'maximize' ? Math.max(...values) : Math.min(...values);
  return {
    value: textOf(measures, name, values.length === 0 ? null : top),
    label: `best ${titleOf(measures, name)}`,
  };
}

/** Whether the frontier's networks were trained again; without, they have at most a test accuracy. */
export const hasFinalTraining = ({ frontier }: ReportData): boolean =>
  frontier.some(({ final }) => (final?.epochs ?? 0) > 0);

function tilesOf(data: ReportData): TileText[] {
  const { measures, frontier } = data;
  const { counts, planned, rejected, evaluation } = data.run;
  const trains = evaluation === 'training';
  const states = ['pruned', 'failed', 'running', 'waiting'] as const;
  const others = states.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  return [
    {
      value: `${counts.complete} / ${planned}`,
      label: [`trials ${trains && !sliced(data) ? 'trained' : 'evaluated'}`, ...others].join(', '),
    },
    {
      value: String(frontier.length),
      label: `networks on the frontier${data.precisions === undefined ? '' : ', in their precisions'}`,
    },
    trains
      ? {
          value: best(frontier.map(({ values }) => accuracyAmong(measures, values))),
          label: `best ${unusualAccuracy(data) ?? 'validation accuracy'} in the search`,
        }
      : bestOfFirst(data),
    ...(hasFinalTraining(data)
      ? [
          {
            value: best(frontier.map(({ final }) => final?.accuracy)),
            label: 'best validation accuracy after final training',
          },
        ]
      : []),
    ...(rejected > 0
      ? [{ value: count(rejected), label: `candidates rejected before ${trains ? 'training' : 'evaluation'}` }]
      : []),
    { value: duration(seconds(data)), label: trains ? 'from start to last change' : 'of simulated time' },
  ];
}

export const ReportTiles = ({ data }: { readonly data: ReportData }) => <Tiles tiles={tilesOf(data)} />;
