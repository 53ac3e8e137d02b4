/**
 * What the page and its server say to each other: the types of every answer and every message. The front end (`ui/`) knows
 * of this project these types, those of a report, and `base/`; nothing here exists at run time.
 *
 * Accuracies are shares in [0, 1], latencies ms, sizes bytes; `at` is in ms since 1970, `...After` in seconds after the
 * run's start (simulated for tables). What is not known is null.
 */
import type { Objective, Values } from '../../search/index.js';
import type { Choice } from '../../spaces/index.js';
import type {
  MeasurementPurpose,
  MeasurementRecord,
  Provenance,
  StoredPrecision,
  Training,
  TrialState,
} from '../../store/index.js';
import type {
  CurvePoint,
  MeasureText,
  PrecisionsReport,
  PredictionPair,
  PredictionReport,
  ReportMember,
  ReportShrunk,
  ReportSupernet,
  ReportAssignment,
  RunProvenance,
  RunSummary,
  RunWorkers,
} from '../report/data.js';

export type * from '../report/data.js';
export type { Choice, MeasurementPurpose, Objective, Provenance, StoredPrecision, Training, TrialState, Values };

/** A run's place in addresses: the name of its folder, which is in the folder that is watched, or is that itself. */
export type RunId = string;

/** A network as it may stand on a frontier: a trial in one of its precisions. */
export interface CandidateKey {
  readonly number: number;
  readonly precision: StoredPrecision;
}

/** How a run gets on. */
export interface Pace {
  /** Trials that ended in an hour, of late; null when too few did, the run stands still, or its time is simulated. */
  readonly trialsPerHour: number | null;
  /** Until the last trial ends. */
  readonly etaSeconds: number | null;
}

/** A run that can be read. */
export interface ReadableRun {
  readonly id: RunId;
  readonly run: RunSummary;
  readonly pace: Pace;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** Networks on its frontier, and the best value of each objective there. */
  readonly frontier: number;
  readonly best: Values;
  /** The frontier's values of the second and the first objective, along the second: what a small picture shows. */
  readonly sketch: readonly (readonly [x: number, y: number])[];
}

/** A run that cannot be read, and why, for people. */
export interface UnreadableRun {
  readonly id: RunId;
  readonly problem: string;
}

export type RunEntry = ReadableRun | UnreadableRun;

export interface RunsAnswer {
  /** What is watched, as it was written on the command line. */
  readonly folder: string;
  /** By id. */
  readonly runs: readonly RunEntry[];
}

/** What a run has said that is worth reading. */
export interface LogEntry {
  readonly seq: number;
  readonly at: number;
  readonly kind: 'note' | 'warning' | 'status' | 'resumed' | 'workers-group' | 'extended' | 'retried' | 'promoted';
  readonly trial: number | null;
  readonly message: string;
}

/** All of a run that does not grow with its trials. */
export interface RunAnswer {
  readonly id: RunId;
  /** Absolute. */
  readonly workdir: string;
  readonly run: RunSummary;
  readonly pace: Pace;
  readonly objectives: readonly Objective[];
  /** How the values of the run are called and written, by name. */
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** Names of the space's decisions, in its order. */
  readonly decisions: readonly string[];
  readonly precisions: PrecisionsReport | null;
  readonly supernet: ReportSupernet | null;
  readonly shrunk: readonly ReportShrunk[];
  readonly environment: Readonly<Record<string, string>>;
  readonly provenance: RunProvenance;
  /** Absent where only the processes of the run's own machine work for it. */
  readonly workers?: RunWorkers;
  readonly settings: string;
  readonly source: string;
  /** The latest, at most 200, the newest first. */
  readonly log: readonly LogEntry[];
}

/**
 * Candidates as columns of equal length, one row a candidate in the order of numbers, a trial's chosen one before its
 * others. Rows of later messages replace those of the same number and precision; what is no candidate any more comes as a
 * row that is not chosen and has no values.
 */
export interface CandidateColumns {
  readonly number: readonly number[];
  readonly precision: readonly StoredPrecision[];
  /** Whether the trial is judged in this precision; tables list these rows only. */
  readonly chosen: readonly boolean[];
  readonly state: readonly TrialState[];
  /** By objective, or other measure that is known of some trial. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  readonly provenance: Readonly<Record<string, readonly (Provenance | null)[]>>;
  /** By decision. */
  readonly choices: Readonly<Record<string, readonly (Choice | null)[]>>;
  readonly finalAccuracy: readonly (number | null)[];
  readonly testAccuracy: readonly (number | null)[];
  readonly startedAfter: readonly (number | null)[];
  readonly finishedAfter: readonly (number | null)[];
  readonly rejected: readonly number[];
  readonly attempts: readonly number[];
  /** Names of what was given beforehand. */
  readonly enqueued: readonly (string | null)[];
}

/** A part of a run's candidates. */
export interface TrialsAnswer {
  /** Up to where the run's events were known; what is live goes on from the first part's. */
  readonly cursor: number;
  readonly candidates: CandidateColumns;
  /** Number of the trial that the next part begins with. */
  readonly next: number | null;
  /** Trials in all. */
  readonly total: number;
}

/** What tables and logs show of a trial as text, fetched for the rows that are looked at. */
export interface TrialText {
  readonly number: number;
  readonly genotypeId: string;
  /** Why it was tried: the controller's one line. */
  readonly reason: string;
  /** Why it was pruned or failed. */
  readonly message: string | null;
  /** Earlier trials whose results the controller did not know. */
  readonly pending: readonly number[];
}

/** What is being done at this moment, as far as the run's history tells. */
export type Activity =
  | {
      readonly kind: 'training';
      readonly training: Training;
      /** When this attempt began, or its last epoch ended. */
      readonly since: number;
      /** Epochs that have ended, and those of the whole training where they are known. */
      readonly epochs: number;
      readonly of: number | null;
      readonly validationAccuracy: number | null;
      /** The machine of the worker that has it, null: it waits for one. Absent where the run's own processes train. */
      readonly host?: string | null;
    }
  | {
      readonly kind: 'measuring';
      readonly purpose: MeasurementPurpose;
      readonly measured: number;
      readonly since: number;
    };

/** An epoch that ended. */
export interface EpochChange extends CurvePoint {
  readonly training: Training;
}

/** What has changed in a run since a cursor. */
export interface Changes {
  readonly cursor: number;
  readonly run: RunSummary;
  readonly pace: Pace;
  /** The rows that changed. */
  readonly candidates: CandidateColumns;
  /** The whole frontier by search values, along the second objective; null when it is as before. The first message has it. */
  readonly frontier: readonly CandidateKey[] | null;
  readonly now: readonly Activity[];
  readonly epochs: readonly EpochChange[];
  readonly log: readonly LogEntry[];
}

/** A measured latency with samples; of many samples, as many evenly chosen ones as a picture needs. */
export interface MeasuredLatency extends Pick<
  MeasurementRecord,
  'precision' | 'purpose' | 'device' | 'ms' | 'p50' | 'p95' | 'p99' | 'interval' | 'converged' | 'takenAt'
> {
  /** In ms, ascending. */
  readonly samples: readonly number[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface TrialAnswer {
  readonly trial: ReportMember;
  readonly text: TrialText;
  readonly attempts: number;
  /** Workers of a queue that took its trainings. Absent where none did. */
  readonly takings?: readonly ReportAssignment[];
  readonly rejected: number;
  readonly onFrontier: boolean;
  readonly measurements: readonly MeasuredLatency[];
  readonly log: readonly LogEntry[];
  /** Command lines that do something with this network: export it, evaluate it, measure it. */
  readonly commands: readonly { readonly title: string; readonly line: string }[];
}

/** How much of the space between the worst and the best values the frontier dominates, as it grew. */
export interface HypervolumePoint {
  /** Trials that had ended. */
  readonly trials: number;
  /** What they had taken together, in seconds. */
  readonly seconds: number;
  /** In [0, 1]. */
  readonly share: number;
}

export interface HypervolumeAnswer {
  /** The worst and the best value of each objective among trials that keep the constraints (of all runs compared). */
  readonly worst: Values;
  readonly best: Values;
  /** Where it changed, and the end. */
  readonly points: readonly HypervolumePoint[];
}

/** Runs that share their objectives, beside each other. */
export interface ComparisonAnswer {
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
  readonly worst: Values;
  readonly best: Values;
  readonly runs: readonly {
    readonly id: RunId;
    readonly run: RunSummary;
    readonly frontier: readonly (CandidateKey & { readonly values: Values })[];
    readonly points: readonly HypervolumePoint[];
  }[];
}

/** The learning curves of a trial. */
export interface TrialCurves {
  readonly number: number;
  readonly search: readonly CurvePoint[];
  readonly final: readonly CurvePoint[];
  readonly quantizeAware: readonly CurvePoint[];
}

/** How much of an objective's variance over the space the decisions explain, each alone. */
export interface Importance {
  readonly objective: string;
  /** Shares in [0, 1] by decision, the greatest first; what is left is due to several decisions together, and noise. */
  readonly decisions: readonly { readonly decision: string; readonly share: number }[];
  /** How well the forest that tells predicts trials that it has not seen (R2); below 0.3, shares say little. */
  readonly fit: number;
}

export interface ImportanceAnswer {
  /** How it was found, for people, with the paper. */
  readonly method: string;
  /** Complete trials that it was found from. */
  readonly trials: number;
  /** Null: too few trials. */
  readonly objectives: readonly Importance[] | null;
}

/** A latency that was predicted before it was measured. */
export interface DatedPrediction extends PredictionPair {
  readonly precision: StoredPrecision;
  readonly at: number;
  /** What the model gave for its error, in ms; coverage in [0, 1]: below 1 it extrapolates. */
  readonly std: number;
  readonly coverage: number;
}

export interface PredictionsAnswer {
  /** Null with fewer than three pairs. */
  readonly report: PredictionReport | null;
  readonly pairs: readonly DatedPrediction[];
  /** Of trials whose network the model did not cover. */
  readonly extrapolated: number;
}

export interface ErrorAnswer {
  readonly error: { readonly message: string; readonly hint?: string };
}

/** Answers to GET, by address; `:run` is a RunId, `:trial` a number. */
export interface Answers {
  readonly '/api/runs': RunsAnswer;
  readonly '/api/runs/:run': RunAnswer;
  readonly '/api/runs/:run/trials': TrialsAnswer;
  readonly '/api/runs/:run/texts': readonly TrialText[];
  readonly '/api/runs/:run/curves': readonly TrialCurves[];
  readonly '/api/runs/:run/trials/:trial': TrialAnswer;
  readonly '/api/runs/:run/hypervolume': HypervolumeAnswer;
  readonly '/api/runs/:run/importance': ImportanceAnswer;
  readonly '/api/runs/:run/predictions': PredictionsAnswer;
  readonly '/api/compare': ComparisonAnswer;
}
export type Address = keyof Answers;

type Nothing = Readonly<Record<string, never>>;

/** What may stand behind the question mark; of a list, each item under the same name (`runs=a&runs=b`). */
export interface Queries {
  readonly '/api/runs': Nothing;
  readonly '/api/runs/:run': Nothing;
  /** The part from a number on; at most `limit` trials (up to 5000), and fewer where the server thinks that enough. */
  readonly '/api/runs/:run/trials': { readonly from?: number; readonly limit?: number };
  /** From a number up to another, without it: at most 1000. */
  readonly '/api/runs/:run/texts': { readonly from: number; readonly to: number };
  /** Numbers, at most 50. */
  readonly '/api/runs/:run/curves': { readonly trials: readonly number[] };
  readonly '/api/runs/:run/trials/:trial': { readonly precision?: StoredPrecision };
  readonly '/api/runs/:run/hypervolume': Nothing;
  readonly '/api/runs/:run/importance': Nothing;
  readonly '/api/runs/:run/predictions': Nothing;
  /** 2 to 6. */
  readonly '/api/compare': { readonly runs: readonly RunId[] };
}

/**
 * Server-sent events, by address: the name of each and what it carries. A browser keeps few connections to one server (six,
 * by HTTP/1.1), and a stream takes one of them: pages that are not looked at should close theirs.
 */
export interface Streams {
  /** At once and whenever a run appears, ends or moves on. */
  readonly '/api/live': { readonly runs: RunsAnswer };
  /**
   * At once and whenever something happened after `?after=cursor`; what a browser that connects again says to have had
   * last (`Last-Event-ID`) counts before that. `gone` when the run's file was replaced, removed, or cannot be read any more;
   * it is the last event.
   */
  readonly '/api/runs/:run/live': { readonly changes: Changes; readonly gone: ErrorAnswer };
}

/** What may stand behind the question mark of a stream. */
export interface StreamQueries {
  readonly '/api/live': Nothing;
  readonly '/api/runs/:run/live': { readonly after?: number };
}

/** A file of a run's workdir: `/files/:run/artifacts/frontier/trial-3.onnx`. */
export type FileAddress = `/files/${string}`;
