import { useRun } from '../../app/current-run.js';
import { ActivityCard } from './activity-card.js';
import { CurvesCard } from './curves-card.js';
import { DecisionsCard } from './decisions-card.js';
import { FrontierCard } from './frontier-card.js';
import { HypervolumeCard } from './hypervolume-card.js';
import { LogCard } from './log-card.js';
import { RunTiles } from './run-tiles.js';

/** One run, live: the frontier, how it grew, what is being done, and why. */
export default function RunPage() {
  const {
    info: {
      run: { status, evaluation },
    },
  } = useRun();
  const trains = evaluation === 'training';
  return (
    <>
      <RunTiles />
      <div class="cards">
        <FrontierCard />
        <HypervolumeCard key={status} />
        {trains && <CurvesCard />}
        <ActivityCard />
        <LogCard />
        <DecisionsCard />
      </div>
    </>
  );
}
