import { invalidInput, NasError } from '../../../base/errors.js';
import { writeFileAtomic } from '../../../base/files.js';
import { ms, percent, renderPrediction } from '../../../experiments/report/index.js';
import type { CrossValidation, Device, Observation } from '../../../latency-models/index.js';
import type { Genotype, Space } from '../../../spaces/index.js';
import { command, jsonOption } from '../../command.js';
import { deviceOption, parseDevice } from '../../device-argument.js';
import { json, renderFacts, renderTable, type Column } from '../../output/table.js';
import type { Terminal } from '../../output/terminal.js';
import { createCounter } from '../../progress/counter.js';
import { parseSpace, spaceOption } from '../../space-argument.js';

/** Networks measured side by side: enough to be compared, few enough to be in memory together. */
const groupSize = 20;
/** Fewer networks cannot be cross-validated. */
const fewest = 4;

interface Measured extends Observation {
  readonly reliable: boolean;
}

/** What was measured, and for how many networks the device only had a prediction of its own. */
interface Taken {
  readonly measured: readonly Measured[];
  readonly predicted: number;
}

/** What is left at the pace so far, for people. */
function timeLeft(began: number, done: number, total: number): string {
  if (done === 0) return '';
  const seconds = Math.round((((performance.now() - began) / 1000) * (total - done)) / done);
  return `, at most ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
}

async function measureAll(
  device: Device,
  space: Space,
  genotypes: readonly Genotype[],
  seed: number,
  terminal: Terminal,
): Promise<Taken> {
  const { untrainedSubject } = await import('../../../experiments/index.js');
  const counter = createCounter(terminal);
  const began = performance.now();
  const measured: Measured[] = [];
  let predicted = 0;
  for (let start = 0; start < genotypes.length; start += groupSize) {
    const group = genotypes.slice(start, start + groupSize);
    const onProgress = (done: number, total: number): void => {
      const share = (start + (done / total) * group.length) / genotypes.length;
      counter.show(
        `networks ${start + 1} to ${start + group.length} of ${genotypes.length}${timeLeft(began, share, 1)}: blocks`,
      )(done, total);
    };
    const subjects = group.map((genotype) => untrainedSubject(space, genotype, seed));
    const measurements = await device.measureAll(subjects, undefined, { onProgress });
    const profiles = await device.profile?.(subjects);
    for (const [i, { ms: latency, reliable, provenance }] of measurements.entries())
      if (provenance === 'predicted') predicted++;
      else
        measured.push({
          network: space.build(group[i]),
          ms: latency,
          reliable,
          ...(profiles === undefined ? {} : { layers: profiles[i].layers }),
        });
  }
  counter.close();
  return { measured, predicted };
}

const errorColumns: readonly Column<CrossValidation['pairs'][number]>[] = [
  { title: 'measured', numeric: true, cell: ({ measured }) => ms(measured) },
  { title: 'predicted', numeric: true, cell: ({ predicted }) => ms(predicted) },
  {
    title: 'error',
    numeric: true,
    cell: ({ predicted, measured }) => `${(100 * (predicted / measured - 1)).toFixed(1)} %`,
  },
];

/** `model.json` -> `model.svg`. */
const chartFile = (file: string): string => `${file.replace(/\.json$/, '')}.svg`;

export const fit = command({
  usage: 'fit',
  summary: 'Fit a latency model of a device: choose networks, measure them, cross-validate, store it',
  examples: [
    ['latency fit --space mobilenet --device local', '40 networks of a ready-made space, on this machine'],
    ['latency fit --space experiment.yaml --device browser --samples 60 -o browser.json', "an experiment's space"],
  ],
  options: (yargs) =>
    yargs
      .option('space', spaceOption)
      .option('device', deviceOption)
      .option('samples', { type: 'number', default: 40, describe: 'Networks to measure, chosen by optimal design' })
      .option('output', {
        alias: 'o',
        type: 'string',
        default: 'latency-model.json',
        describe: 'File for the model; a picture of predicted against measured goes beside it (.svg)',
      })
      .option('seed', { type: 'number', default: 0, describe: 'For the networks to choose from, and their weights' })
      .option('json', jsonOption),
  run: async ({ space: name, device: argument, samples, output, seed, json: asJson }, terminal) => {
    const { out, err, colors } = terminal;
    if (!Number.isInteger(samples) || samples < fewest)
      throw invalidInput(`--samples ${samples}: expected a whole number of at least ${fewest}`);
    const { Random } = await import('../../../base/random.js');
    const { createDevice, crossValidate, doubts, fitLatencyModel, selectCalibration } =
      await import('../../../latency-models/index.js');
    const { space } = await parseSpace(name);
    const device = createDevice(parseDevice(argument), { space });
    const genotypes = selectCalibration(space, samples, new Random(seed, 'calibration'));
    if (genotypes.length < fewest)
      throw invalidInput(`${name}: a space of ${genotypes.length} networks needs no model; measure them all`);
    const { measured, predicted } = await measureAll(device, space, genotypes, seed, terminal);
    if (measured.length < fewest)
      throw invalidInput(
        `${device.name} has latencies of ${measured.length} of the ${genotypes.length} chosen networks; at least ${fewest} are needed`,
        {
          hint: 'A table needs no model: as a device, it predicts networks without a row. nas latency evaluate judges it.',
        },
      );
    const model = fitLatencyModel(measured);
    const validation = crossValidate(measured);
    const { pairs, ...quality } = validation;
    const against = doubts(validation);
    const timed = measured.some(({ layers }) => layers !== undefined);
    const unreliable = measured.filter(({ reliable }) => !reliable).length;
    const chart = chartFile(output);
    writeFileAtomic(
      chart,
      await renderPrediction({ ...validation, spearman: Number.isFinite(quality.spearman) ? quality.spearman : null }),
    );
    if (against.length === 0) writeFileAtomic(output, json(model.toJSON()));
    if (asJson) {
      out(
        json({
          space: space.name,
          device: device.name,
          kind: model.kind,
          ...quality,
          unreliable,
          doubts: against,
          pairs,
        }),
      );
    } else {
      out(
        renderFacts(
          [
            ['space, device', `${space.name}; ${device.name}`],
            [
              'model',
              `${model.kind}, fitted to ${measured.length} networks${timed ? ' and to times of their layers' : ''}`,
            ],
            ['mean error', `${quality.mape.toFixed(2)} %, of networks that were not fitted to (cross-validation)`],
            ['within 5 %, 10 %', `${percent(quality.within5)}, ${percent(quality.within10)}`],
            ['ranks', `Spearman ${quality.spearman.toFixed(4)}, Kendall ${quality.kendall.toFixed(4)}`],
          ],
          colors,
        ),
      );
      out(`\n${renderTable(errorColumns, pairs, colors)}`);
    }
    err(`predicted against measured: ${chart}\n`);
    if (predicted > 0)
      err(
        `${colors.yellow('warning')}: ${predicted} of ${genotypes.length} networks have no row in the table and are left out\n`,
      );
    if (unreliable > 0)
      err(
        `${colors.yellow('warning')}: ${unreliable} of ${measured.length} measurements are not reliable; use a quiet machine\n`,
      );
    if (against.length > 0)
      throw new NasError('failure', `the model is not stored: ${against.join('; ')}`, {
        hint:
          unreliable > 0
            ? 'Measure again while nothing else uses the device.'
            : `Measure more networks (--samples ${2 * samples}), and on a quiet device.`,
      });
    err(`model: ${output}; in an experiment: latency: {predictor: ${output}}\n`);
  },
});
