/**
 * The final networks of finished runs of detectors, and what each run is worth: hypervolume of test AP50 and latency.
 *
 * Method: the test images are not seen by the runs. The reference point is an AP50 of 0 at the largest latency of all networks, and the
 * score of a run is its share of that of the first one. Latencies are those of the runs, or with `--measure` taken anew on one thread, all
 * networks side by side. Multiply-accumulates, which are exact, give a second score.
 *
 *   npm run bench:detection-fronts -- [--measure] runs/widths runs/search runs/shared
 */
import { parseArgs } from 'node:util';
import { sidesText } from '../base/scores.js';
import { numeric, processTerminal, renderTable } from '../cli/output/terminal.js';
import { createDevice, deviceSchema } from '../latency-models/index.js';
import { trialSubject } from '../runner/index.js';
import { databasePath } from '../runner/stored/workdir.js';
import { hypervolume } from '../search/index.js';
import { Store } from '../store/index.js';

const { values: options, positionals: runs } = parseArgs({
  options: { measure: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const { colors, err, out } = processTerminal([], process.env);

interface Member {
  readonly run: string;
  readonly trial: number;
  readonly choices: string;
  readonly ap50: number;
  readonly small: number | null;
  readonly sides: string;
  readonly ms: number;
  readonly macs: number;
}

const subjects: ReturnType<typeof trialSubject>[] = [];

function membersOf(run: string): Member[] {
  const store = Store.open(databasePath(run), { readonly: true });
  try {
    return store.finals.all().flatMap(({ trial, testAccuracy }) => {
      const found = store.trials.get(trial);
      const details = store.classResults
        .of(trial)
        .findLast(({ stage, split }) => stage === 'final' && split === 'test')?.details;
      if (found === undefined || testAccuracy === null || details?.type !== 'detection') return [];
      const { values, choices } = found;
      subjects.push(trialSubject(store, run, trial));
      return {
        ...{ run, trial, choices: Object.values(choices).join(' '), ap50: testAccuracy },
        ...{ small: details.sizes?.small ?? null, sides: sidesText(details.sides.slice(0, 2)) },
        ...{ ms: values['latency_ms'].value, macs: values['macs'].value },
      };
    });
  } finally {
    store.close();
  }
}

const stored = runs.flatMap(membersOf);
const measured = options.measure
  ? await createDevice(deviceSchema.parse({ type: 'local' })).measureAll(subjects, undefined, {
      onProgress: (done, all) => err(`\r${done} of ${all} blocks`),
    })
  : null;
const members = stored.map((member, i) => ({ ...member, ms: measured?.[i].ms ?? member.ms }));

const score = (run: string, cost: 'ms' | 'macs'): number => {
  const most = Math.max(...members.map((member) => member[cost]));
  const own = members.filter((member) => member.run === run);
  return hypervolume(
    own.map((member) => [-member.ap50, member[cost] / most]),
    [0, 1],
  );
};
const points = (value: number | null): string => (value === null ? '-' : (100 * value).toFixed(1));
out(
  renderTable(
    [
      { title: 'run', cell: ({ run }: Member) => run },
      { title: 'choices', cell: ({ choices }: Member) => choices },
      numeric('ms', ({ ms }: Member) => ms.toFixed(2)),
      numeric('M MACs', ({ macs }: Member) => (macs / 1e6).toFixed(1)),
      numeric('AP50', ({ ap50 }: Member) => points(ap50)),
      numeric('AP small', ({ small }: Member) => points(small)),
      { title: 'found', cell: ({ sides }: Member) => sides },
    ],
    [...members].sort((a, b) => a.ms - b.ms),
    colors,
  ),
);
for (const run of runs)
  out(
    `${run}: hypervolume by latency ${score(run, 'ms').toFixed(4)} (${(score(run, 'ms') / score(runs[0], 'ms')).toFixed(2)}), by MACs ${score(run, 'macs').toFixed(4)} (${(score(run, 'macs') / score(runs[0], 'macs')).toFixed(2)})\n`,
  );
