import { duration } from '../../../base/number-text.js';
import { useRun } from '../../app/current-run.js';
import { endedTrials } from '../../components/run-progress.js';
import { Tiles, type TileText } from '../../components/tiles.js';
import { textOf, titleOf } from '../../data/text.js';

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The best value of each objective on the frontier. */
function bestTiles({
  live: { candidates, frontier, version },
  info: { objectives, measures },
}: ReturnType<typeof useRun>) {
  const rows = version.value === 0 ? [] : frontier.value.map((key) => candidates.rowOf(key) ?? -1);
  return objectives.flatMap(({ name, direction }): TileText[] => {
    const values = rows.flatMap((row) => candidates.values.get(name)?.[row] ?? []);
    if (values.length === 0) return [];
    const best = direction === 'maximize' ? Math.max(...values) : Math.min(...values);
    const isBest = (row: number): boolean => candidates.values.get(name)?.[row] === best;
    const bestRows = rows.filter(isBest);
    const predicted = bestRows.every((row) => candidates.provenance.get(name)?.[row] === 'predicted');
    const label = `best ${titleOf(measures, name)}${predicted ? ', predicted' : ''}`;
    return [{ value: textOf(measures, name, best), label }];
  });
}

/** What people look at first. */
export function RunTiles() {
  const current = useRun();
  const {
    live,
    info: { run, pace },
  } = current;
  const { counts, planned, rejected } = run;
  const stopped = counts.pruned + counts.failed;
  const tiles: readonly TileText[] = [
    { value: `${number(endedTrials(run))} / ${number(planned)}`, label: 'trials that have ended' },
    { value: number(live.frontier.value.length), label: 'networks on the frontier' },
    ...bestTiles(current),
    ...(pace.trialsPerHour === null ? [] : [{ value: number(pace.trialsPerHour), label: 'trials an hour' }]),
    ...(pace.etaSeconds === null ? [] : [{ value: duration(pace.etaSeconds), label: 'left' }]),
    ...(rejected === 0 ? [] : [{ value: number(rejected), label: 'rejected before training' }]),
    ...(stopped === 0
      ? []
      : [{ value: `${number(counts.pruned)} + ${number(counts.failed)}`, label: 'stopped early + failed' }]),
  ];
  return <Tiles tiles={tiles} />;
}
