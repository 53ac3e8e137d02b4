/**
 * The networks of finished runs of detectors, and what each run is worth: hypervolume of test AP50 and latency.
 *
 * Method: the test images are not seen by the runs. The reference point is an AP50 of 0 slightly above the largest latency of all
 * networks (1.1), or at this latency. The score of a run is its hypervolume as a share of the first run's. Latencies come from the
 * runs; `--measure` takes them anew on one thread, all networks side by side. Multiply-accumulates, which are exact, give a second
 * score.
 *
 *   npm run bench:detection-fronts -- [--measure] runs/widths runs/search runs/shared
 */
import { parseArgs } from 'node:util';
import { sidesText } from '../base/scores.js';
import { numeric, processTerminal, renderTable } from '../cli/output/terminal.js';
import { exportOnnx } from '../deploy/index.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import { createDevice, deviceSchema } from '../latency-models/index.js';
import { evaluateOnSplit, trainedModel, trialSubject } from '../runner/index.js';
import { databasePath } from '../runner/stored/workdir.js';
import { hypervolume } from '../search/index.js';
import { Store } from '../store/index.js';
import { prepareDataset, renderingOf } from '../trainers/index.js';

const { values: options, positionals: runs } = parseArgs({
  options: { measure: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const { colors, err, out } = processTerminal([], process.env);

interface Member {
  readonly run: string;
  readonly choices: string;
  readonly ap50: number;
  readonly small: number | null;
  readonly sides: string;
  readonly ms: number;
  readonly macs: number;
}

const subjects: ReturnType<typeof trialSubject>[] = [];

/** The trials that were trained again; where none was (`final: none`), all. */
async function membersOf(run: string): Promise<Member[]> {
  const store = Store.open(databasePath(run), { readonly: true });
  try {
    const experiment = store.run.get().experiment as TrainingExperiment;
    const finals = new Set(store.finals.all().map(({ trial }) => trial));
    const members: Member[] = [];
    for (const { number, state, values, choices } of store.trials.all()) {
      if (state !== 'complete' || (experiment.final !== null && !finals.has(number))) continue;
      const { model, metadata } = await trainedModel(store, run, number);
      const [height, width] = model.network.input;
      const renderings = [{ ...renderingOf(experiment.data), size: [height, width] as const }];
      const dataset = await prepareDataset(experiment.data, { renderings });
      const { accuracy, details } = await evaluateOnSplit(exportOnnx(model, metadata), dataset, 'test');
      if (details.type !== 'detection') throw new Error(`${run} has no detectors`);
      subjects.push(trialSubject(store, run, number));
      members.push({
        ...{ run, choices: Object.values(choices).join(' '), ap50: accuracy },
        ...{ small: details.sizes?.small ?? null, sides: sidesText(details.sides.slice(0, 2)) },
        ...{ ms: values['latency_ms'].value, macs: values['macs'].value },
      });
    }
    return members;
  } finally {
    store.close();
  }
}

const stored: Member[] = [];
for (const run of runs) stored.push(...(await membersOf(run)));
const measured = options.measure
  ? await createDevice(deviceSchema.parse({ type: 'local' })).measureAll(subjects, undefined, {
      onProgress: (done, all) => err(`\r${done} of ${all} blocks`),
    })
  : null;
const members = stored.map((member, i) => ({ ...member, ms: measured?.[i].ms ?? member.ms }));

/** @param beyond the reference point as a share of the largest cost */
const score = (run: string, cost: 'ms' | 'macs', beyond: number): number => {
  const most = Math.max(...members.map((member) => member[cost]));
  const own = members.filter((member) => member.run === run);
  return hypervolume(
    own.map((member) => [-member.ap50, member[cost] / most]),
    [0, beyond],
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
for (const run of runs) {
  const text = (cost: 'ms' | 'macs', beyond: number): string => {
    const own = score(run, cost, beyond);
    return `${own.toFixed(4)} (${(own / score(runs[0], cost, beyond)).toFixed(2)})`;
  };
  const each = [1.1, 1].map((beyond) => `${text('ms', beyond)} by latency, ${text('macs', beyond)} by MACs`);
  out(`${run}: hypervolume to 1.1: ${each[0]}; to 1: ${each[1]}\n`);
}
