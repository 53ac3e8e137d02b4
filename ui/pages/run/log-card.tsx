import { useRun } from '../../app/current-run.js';
import { RunLog } from '../../components/run-log.js';
import { runAddress } from '../../data/addresses.js';

/** Notes, warnings, and what else the run has said. */
export function LogCard() {
  const { live, info } = useRun();
  return (
    <section>
      <h2>Log</h2>
      <div class="log-box" role="region" aria-label="Log of the run" tabIndex={0}>
        <RunLog base={runAddress(live.id)} log={info.log} />
      </div>
    </section>
  );
}
