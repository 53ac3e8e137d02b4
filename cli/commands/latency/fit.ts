import { invalidInput, NasError } from '../../../base/errors.js';
import { writeFileAtomic } from '../../../base/files.js';
import { ms, percent } from '../../../reports/index.js';
import type { CrossValidation, Device, Environment, MeasuredNetworks } from '../../../latency-models/index.js';
import type { Genotype, Space } from '../../../spaces/index.js';
import { deviceOption, parseDevice } from '../../arguments/device.js';
import { parseSpace, spaceOption } from '../../arguments/space.js';
import { wholeNumber } from '../../arguments/values.js';
import { command, jsonOption } from '../../command.js';
import {
  type Column,
  json,
  renderFacts,
  renderTable,
  type Terminal,
  numeric,
  warningLine,
} from '../../output/terminal.js';
import { createCounter } from '../../progress/counter.js';

const fitPrecisions = ['fp32', 'int8'] as const;
type FitPrecision = (typeof fitPrecisions)[number];

/** @throws NasError `invalid-input` when networks were measured in another precision than the model's */
function requireExecuted(environment: Environment, wanted: FitPrecision, source: string): void {
  // A table has no precision.
  const { precision = wanted } = environment;
  if (precision === wanted) return;
  throw invalidInput(`${source}: the networks are measured in ${precision}, not in ${wanted}`, {
    hint:
      wanted === 'int8'
        ? 'This device has no kernels for bytes, or what was measured is not quantized; leave --precision out.'
        : `--precision ${precision} fits a model of them.`,
  });
}

/** Minimum number of networks for cross-validation. */
const minNetworks = 4;

function timeLeft(began: number, done: number, total: number): string {
  if (done === 0) return '';
  const seconds = Math.round((((performance.now() - began) / 1000) * (total - done)) / done);
  return `, at most ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
}

interface Chosen {
  readonly space: Space;
  readonly genotypes: readonly Genotype[];
  /** Of the weights. */
  readonly seed: number;
  readonly precision: FitPrecision;
}

/** Measures networks; skips those for which the device has only its own prediction. */
async function measureAll(
  device: Device,
  { space, genotypes, seed, precision }: Chosen,
  terminal: Terminal,
): Promise<MeasuredNetworks> {
  const { untrainedSubject } = await import('../../../runner/index.js');
  const counter = createCounter(terminal);
  const began = performance.now();
  const onProgress = (done: number, total: number): void =>
    counter.show(`${genotypes.length} networks${timeLeft(began, done, total)}: blocks`)(done, total);
  const subjects = genotypes.map((genotype) => untrainedSubject(space, genotype, seed, precision));
  const measurements = await device.measureAll(subjects, undefined, { onProgress });
  counter.close();
  const networks = measurements.flatMap(({ ms: latency, reliable, provenance }, i) => {
    if (provenance === 'predicted') return [];
    return [{ genotype: genotypes[i], ms: latency, reliable }];
  });
  return { environment: measurements[0].environment, networks };
}

const errorColumns: readonly Column<CrossValidation['pairs'][number]>[] = [
  numeric('measured', ({ measured }) => ms(measured)),
  numeric('predicted', ({ predicted }) => ms(predicted)),
  numeric('error', ({ predicted, measured }) => `${(100 * (predicted / measured - 1)).toFixed(1)} %`),
];

/** `model.json` -> `model.svg`, `model.measurements.json`. */
const beside = (file: string, ending: string): string => `${file.replace(/\.json$/, '')}.${ending}`;

export const fit = command({
  usage: 'fit',
  summary: 'Fit a latency model of a device: choose networks, measure them, cross-validate, store it',
  examples: [
    ['latency fit --space mobilenet --device local', '40 networks of a ready-made space, on this machine'],
    ['latency fit --space experiment.yaml --device browser --samples 60 -o browser.json', "an experiment's space"],
    ['latency fit --space mobilenet --from latency-model.measurements.json', 'again, without measuring'],
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
        describe: 'File of the model; measurements (.measurements.json) and a chart (.svg) are written beside it',
      })
      .option('from', { type: 'string', describe: 'Fit to the measurements of an earlier fit instead of measuring' })
      .option('precision', {
        choices: fitPrecisions,
        default: 'fp32' as const,
        describe: 'Precision of the networks; int8 measures quantized ones',
      })
      .option('seed', { type: 'number', default: 0, describe: 'Seed of the networks and their weights' })
      .option('json', jsonOption),
  run: async ({ space: name, device: argument, samples, output, from, seed, precision, json: asJson }, terminal) => {
    const { out, err, colors } = terminal;
    const warn = (text: string): void => err(warningLine(text, colors));
    wholeNumber('--samples', samples, minNetworks);
    const { Random } = await import('../../../base/random.js');
    const {
      createDevice,
      crossValidate,
      trustWarnings,
      fitLatencyModel,
      latencyModelFile,
      readMeasured,
      selectCalibration,
      writeMeasured,
    } = await import('../../../latency-models/index.js');
    const { space } = await parseSpace(name);
    let chosen = 0;
    const measure = async (): Promise<MeasuredNetworks> => {
      const device = createDevice(parseDevice(argument), { space });
      const genotypes = selectCalibration(space, samples, new Random(seed, 'calibration'));
      chosen = genotypes.length;
      if (chosen < minNetworks)
        throw invalidInput(`${name}: a space of ${chosen} networks needs no model; measure them all`);
      const taken = await measureAll(device, { space, genotypes, seed, precision }, terminal);
      requireExecuted(taken.environment, precision, device.name);
      if (taken.networks.length < minNetworks)
        throw invalidInput(
          `${device.name} has latencies of ${taken.networks.length} of the ${chosen} chosen networks; at least ${minNetworks} are needed`,
          {
            hint: 'A table needs no model: as a device, it predicts networks without a row.',
          },
        );
      writeMeasured(kept, space, taken);
      return taken;
    };
    const kept = from ?? beside(output, 'measurements.json');
    const { environment, networks } = from === undefined ? await measure() : readMeasured(from, space);
    requireExecuted(environment, precision, kept);
    if (networks.length < minNetworks)
      throw invalidInput(`${kept} has ${networks.length} networks; at least ${minNetworks} are needed`);
    const measured = networks.map(({ genotype, ...taken }) => ({ network: space.build(genotype), ...taken }));
    const model = fitLatencyModel(measured);
    const validation = crossValidate(measured);
    const { pairs, ...quality } = validation;
    const against = trustWarnings(validation);
    const unreliable = measured.filter(({ reliable }) => !reliable).length;
    const chart = beside(output, 'svg');
    const { renderPrediction } = await import('../../../ui/index.js');
    writeFileAtomic(
      chart,
      renderPrediction({ ...validation, spearman: Number.isFinite(quality.spearman) ? quality.spearman : null }),
    );
    if (against.length === 0) writeFileAtomic(output, json(latencyModelFile(model, precision)));
    if (asJson) {
      out(
        json({
          space: space.name,
          device: environment.device,
          ...quality,
          unreliable,
          warnings: against,
          pairs,
        }),
      );
    } else {
      out(
        renderFacts(
          [
            ['space, device', `${space.name}; ${environment.device}`],
            ['model', `fitted to ${measured.length} networks`],
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
    if (from === undefined) err(`measurements: ${kept}\n`);
    if (chosen > networks.length)
      warn(`${chosen - networks.length} of ${chosen} networks have no row in the table and are left out`);
    if (unreliable > 0) warn(`${unreliable} of ${measured.length} measurements are not reliable; use a quiet machine`);
    if (against.length > 0)
      throw new NasError('failure', `the model is not stored: ${against.join('; ')}`, {
        hint: `${
          unreliable > 0
            ? 'Measure again while nothing else uses the device.'
            : `Measure more networks (--samples ${2 * samples}), and on a quiet device.`
        } What was measured is kept: --from ${kept} fits to it again.`,
      });
    err(`model: ${output}; in an experiment: latency: {predictor: ${output}}\n`);
  },
});
