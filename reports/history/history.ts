import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mainScores } from '../../base/scores.js';
import { accuracyOf } from '../../experiments/schema/measures.js';
import { isTrainingExperiment } from '../../experiments/schema/run-experiment.js';
import { candidatesOf, frontierCandidates, plainValues, type StoredRow } from '../../runner/stored/candidates.js';
import { experimentOf, objectivesOf, taskOfRun } from '../../runner/stored/experiment.js';
import { workdirFiles } from '../../runner/stored/workdir.js';
import type { Objective, Values } from '../../search/index.js';
// spaces/index.js would load TF.js.
import { costs } from '../../spaces/costs.js';
import type { Network } from '../../spaces/index.js';
import type { Epoch, RunState, Store, StoredPrecision, TrialRecord, TrialStage } from '../../store/index.js';

/** An epoch of a trial. */
interface HistoryEpoch {
  readonly stage: TrialStage;
  /** From 1. */
  readonly step: number;
  /** In ms since 1970. */
  readonly at: number;
  /** On the validation images. */
  readonly score: number;
  /** By name: `validation/loss`, `learning_rate`. Names of the final training begin with `final/`. */
  readonly values: Values;
}

/** A network of a run in one precision, as other programs read it. */
export interface HistoryEntry {
  /** `trial-7`; in its other accepted precision, `trial-7.int8`. */
  readonly name: string;
  readonly trial: TrialRecord;
  readonly precision: StoredPrecision;
  /** Objectives and other values, costs of the network, scores of the final training. */
  readonly values: Values;
  /** Why it was proposed, and why it ended. */
  readonly texts: Readonly<Record<string, string>>;
  readonly epochs: readonly HistoryEpoch[];
  /** When its values changed last, in ms since 1970. */
  readonly changedAt: number;
}

/** A run as a whole, for other programs. */
export interface HistoryRun {
  readonly name: string;
  /** In ms since 1970. */
  readonly createdAt: number;
  readonly status: RunState;
  readonly objectives: readonly Objective[];
  /** The experiment file. */
  readonly source: string;
  /** Names of the entries on the frontier. */
  readonly frontier: readonly string[];
  /** The frontier as a PNG; absent: nothing is on it yet. */
  readonly picture?: Picture | undefined;
}

interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The frontier as the run drew it at its end; undefined before that. */
export async function pictureIn(workdir: string): Promise<Picture | undefined> {
  const file = join(workdir, workdirFiles.picture);
  if (!existsSync(file)) return undefined;
  const { default: sharp } = await import('sharp');
  const { data: png, info } = await sharp(file).png().toBuffer({ resolveWithObject: true });
  return { png, width: info.width, height: info.height };
}

/** Writes the trials of a run for another program. What is written again replaces what was written before. */
export interface RunLog {
  /** @param entries a trial in each of its precisions */
  trial(entries: readonly HistoryEntry[]): Promise<void>;
  /** @param entries of all trials */
  run(run: HistoryRun, entries: readonly HistoryEntry[]): Promise<void>;
}

const nameOf = ({ number, precision: chosen }: TrialRecord, precision: StoredPrecision): string =>
  `trial-${number}${precision === chosen ? '' : `.${precision}`}`;

/** Reads the networks of a run for other programs. */
export class History {
  private readonly training;
  private readonly score;
  private readonly ofTraining;
  private readonly images;

  constructor(private readonly store: Store) {
    const experiment = experimentOf(store);
    this.training = isTrainingExperiment(experiment) ? experiment : undefined;
    const task = taskOfRun(experiment);
    this.score = accuracyOf('train', task);
    this.ofTraining = mainScores[task].ofTraining;
    this.images = store.run.images();
  }

  /** All trials in order. Trials with a second accepted precision come again at the end, in that precision. */
  all(): HistoryEntry[] {
    const entries = this.store.trials.all().flatMap((trial) => this.entriesOf(trial));
    const isChosen = ({ trial, precision }: HistoryEntry): boolean => trial.precision === precision;
    return [...entries.filter(isChosen), ...entries.filter((entry) => !isChosen(entry))];
  }

  /** A trial in each accepted precision. */
  of(number: number): HistoryEntry[] {
    const trial = this.store.trials.get(number);
    return trial === undefined ? [] : this.entriesOf(trial);
  }

  /** The run with all its entries. */
  whole(picture: Picture | undefined): { readonly run: HistoryRun; readonly entries: readonly HistoryEntry[] } {
    return { run: this.run(picture), entries: this.all() };
  }

  private run(picture: Picture | undefined): HistoryRun {
    const { name, createdAt, source } = this.store.run.get();
    const objectives = objectivesOf(this.store);
    const members = frontierCandidates(this.store.trials.all(), objectives);
    const frontier = members.map(({ trial, precision }) => nameOf(trial, precision));
    return { name, createdAt, source, objectives, status: this.store.run.state().status, frontier, picture };
  }

  private entriesOf(trial: TrialRecord): HistoryEntry[] {
    const [changed] = this.store.events.last(['asked', 'finished', 'values', 'final-finished'], 1, trial.number);
    return candidatesOf(trial).map(({ precision, values }) => {
      const isOther = precision !== trial.precision;
      return {
        name: nameOf(trial, precision),
        trial,
        precision,
        values: { ...this.costsOf(trial), ...plainValues(values), ...this.finalOf(trial, precision) },
        texts: {
          ...(trial.variants.length > 0 && { precision }),
          reason: trial.reason,
          ...(trial.message !== null && { message: trial.message }),
        },
        epochs: isOther ? [] : [...this.epochsOf(trial, 'search'), ...this.epochsOf(trial, 'final')],
        changedAt: changed.at,
      };
    });
  }

  private costsOf({ genotypeId }: TrialRecord): Values {
    // The runner stores a network or a row for every trial.
    const stored = this.store.networks.get(genotypeId) as Network | StoredRow;
    if (stored.kind !== 'network') return {};
    const { macs, params } = costs(stored);
    return { macs, params };
  }

  private finalOf({ number }: TrialRecord, precision: StoredPrecision): Values {
    const final = this.store.finals.all().find((one) => one.trial === number && one.precision === precision);
    return {
      ...(final && final.accuracy !== null && { [`final/${this.score}`]: final.accuracy }),
      ...(final && final.testAccuracy !== null && { [`final/test_${this.score}`]: final.testAccuracy }),
    };
  }

  private epochsOf({ number }: TrialRecord, stage: TrialStage): HistoryEpoch[] {
    const ends = new Map<number, number>();
    for (const { detail, at } of this.store.events.last(['epoch'], Number.MAX_SAFE_INTEGER, number)) {
      // Written by `Curves.add`.
      const one = detail as { readonly stage: TrialStage; readonly epoch: number };
      if (one.stage === stage && !ends.has(one.epoch)) ends.set(one.epoch, at);
    }
    const prefix = stage === 'final' ? 'final/' : '';
    return this.store.curves.of({ stage, trial: number }).map((epoch) => ({
      stage,
      step: epoch.epoch + 1,
      at: ends.get(epoch.epoch) ?? 0,
      score: epoch.validationAccuracy,
      values: Object.fromEntries(this.scalars(epoch, stage).map(([name, value]) => [prefix + name, value])),
    }));
  }

  private scalars(epoch: Epoch, stage: TrialStage): (readonly [name: string, value: number])[] {
    const { score, images, training } = this;
    const share = (stage === 'final' ? training?.final : training?.train)?.epoch_share ?? 1;
    const speed = images === null || epoch.seconds === 0 ? [] : [(share * images) / epoch.seconds];
    return [
      ['train/loss', epoch.trainLoss],
      ['validation/loss', epoch.validationLoss],
      ...(this.ofTraining ? [[`train/${score}`, epoch.trainAccuracy] as const] : []),
      [`validation/${score}`, epoch.validationAccuracy],
      ...Object.entries(epoch.metrics).map(([name, value]) => [`validation/${name}`, value] as const),
      ['learning_rate', epoch.learningRate],
      ...speed.map((value) => ['images_per_second', value] as const),
    ];
  }
}
