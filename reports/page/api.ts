/**
 * Types of all answers and messages between the page and its server. The front end (`ui/`) imports only these types, those
 * of reports, and `base/`; this module has no code.
 *
 * Accuracies are in [0, 1], latencies in ms, sizes in bytes, `at` in ms since 1970, `...After` in seconds after the run's
 * start (simulated for tables). Unknown values are null.
 */
import type { z } from 'zod';
import type { Objective, Values } from '../../search/index.js';
import type { Choice, Decision } from '../../spaces/index.js';
import type {
  MeasurementPurpose,
  MeasurementRecord,
  Provenance,
  StoredPrecision,
  Training,
  TrialState,
  TrialWords,
} from '../../store/index.js';
import type { Activity } from '../read-model/activity.js';
import type { Notes } from '../../runner/stored/notes.js';
import type {
  Certainty,
  CurvePoint,
  LatencyWarning,
  MeasureText,
  PrecisionsReport,
  PredictionsAnswer,
  ReportMember,
  ReportSupernet,
  ReportAssignment,
  RunProvenance,
  RunSummary,
  RunWorkers,
} from '../read-model/data.js';
import type { bodySchemas, querySchemas } from './queries.js';

export type * from '../read-model/data.js';
export type { Note, Notes } from '../../runner/stored/notes.js';
export type { Activity } from '../read-model/activity.js';
export type { ReportPictures } from '../read-model/seen-pictures.js';
export type { ContactSheet, SheetImage } from '../../experiments/data/sheet.js';
export type { TrialWords as TrialText } from '../../store/index.js';
export type {
  Choice,
  Decision,
  MeasurementPurpose,
  Objective,
  Provenance,
  StoredPrecision,
  Training,
  TrialState,
  Values,
};

/** Name of a run's workdir, used in addresses. */
export type RunId = string;

/** A candidate of the frontier: a trial in one precision. */
export interface CandidateKey {
  readonly number: number;
  readonly precision: StoredPrecision;
}

/** A member of the frontier. */
export interface FrontierKey extends CandidateKey {
  /** Trials that may dominate it within the 95 % intervals: its place is sure when there are none. */
  readonly rivals: readonly number[];
}

export interface Pace {
  /** Recent trials per hour; null when too few ended, the run is not running, or its time is simulated. */
  readonly trialsPerHour: number | null;
  /** Time until the last trial ends. */
  readonly etaSeconds: number | null;
}

/** An entry of the list of runs. */
export interface ReadableRun {
  readonly id: RunId;
  readonly run: RunSummary;
  readonly pace: Pace;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** Number of networks on the frontier, and the best value of each objective there. */
  readonly frontier: number;
  readonly best: Values;
  /** Objectives whose best value is not reliably measured. */
  readonly unreliable: readonly string[];
  /** Best accuracy of the frontier after a final training; null without one. */
  readonly bestFinal: number | null;
  /** Points of a thumbnail of the frontier: second and first objective, ordered by the second. */
  readonly sketch: readonly (readonly [x: number, y: number])[];
}

interface UnreadableRun {
  readonly id: RunId;
  readonly problem: string;
}

export type RunEntry = ReadableRun | UnreadableRun;

export interface RunsAnswer {
  /** The watched folder, as written on the command line. */
  readonly folder: string;
  /** By id. */
  readonly runs: readonly RunEntry[];
}

export interface LogEntry {
  readonly seq: number;
  readonly at: number;
  readonly kind:
    | 'note'
    | 'warning'
    | 'status'
    | 'resumed'
    | 'inputs-accepted'
    | 'workers-group'
    | 'extended'
    | 'retried'
    | 'promoted'
    | 'teacher-left';
  readonly trial: number | null;
  readonly message: string;
}

/** Everything about a run whose size does not depend on the number of trials. */
export interface RunAnswer {
  readonly id: RunId;
  /** Absolute. */
  readonly workdir: string;
  readonly run: RunSummary;
  readonly pace: Pace;
  readonly objectives: readonly Objective[];
  /** Titles and units of the run's values, by name. */
  readonly measures: Readonly<Record<string, MeasureText>>;
  /** Names of the space's decisions, in its order. */
  readonly decisions: readonly string[];
  readonly precisions: PrecisionsReport | null;
  readonly supernet: ReportSupernet | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly provenance: RunProvenance;
  /** Absent when only the run's own machine works for it. */
  readonly workers?: RunWorkers;
  readonly latencies: LatencyWarning | null;
  /** Device of the latest measured latency, as text; null without one. */
  readonly device: string | null;
  readonly settings: string;
  readonly source: string;
  readonly notes: Notes;
  /** The latest 200 at most, newest first. */
  readonly log: readonly LogEntry[];
}

/**
 * Candidates as columns of equal length, ordered by trial number, the chosen precision of a trial first. Rows of later
 * messages replace rows of the same number and precision; a withdrawn candidate is a row that is not chosen and has no
 * values.
 */
export interface CandidateColumns {
  readonly number: readonly number[];
  readonly precision: readonly StoredPrecision[];
  /** Whether this is the trial's chosen precision; tables list only these rows. */
  readonly chosen: readonly boolean[];
  readonly state: readonly TrialState[];
  /** By objective or other measure that some trial has. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  readonly provenance: Readonly<Record<string, readonly (Provenance | null)[]>>;
  /** By value; none where values are exact or their errors unknown. */
  readonly certainty: Readonly<Record<string, readonly (Certainty | null)[]>>;
  readonly choices: Readonly<Record<string, readonly (Choice | null)[]>>;
  /** Accuracies after the final training with their standard errors. */
  readonly finalAccuracy: readonly (number | null)[];
  readonly finalError: readonly (number | null)[];
  readonly testAccuracy: readonly (number | null)[];
  readonly testError: readonly (number | null)[];
  /** Mean of a cross-validation, and its standard error. */
  readonly foldAccuracy: readonly (number | null)[];
  readonly foldError: readonly (number | null)[];
  readonly startedAfter: readonly (number | null)[];
  readonly finishedAfter: readonly (number | null)[];
  readonly rejected: readonly number[];
  readonly attempts: readonly number[];
  /** Names of the networks that the experiment enqueued. */
  readonly enqueued: readonly (string | null)[];
}

/** A part of a run's candidates. */
export interface TrialsAnswer {
  /** Last event that the answer includes; a stream continues from the cursor of the first part. */
  readonly cursor: number;
  readonly candidates: CandidateColumns;
  /** First trial of the next part. */
  readonly next: number | null;
  readonly total: number;
}

export interface EpochChange extends CurvePoint {
  readonly training: Training;
}

export interface Changes {
  readonly cursor: number;
  readonly run: RunSummary;
  readonly pace: Pace;
  readonly candidates: CandidateColumns;
  /** The frontier by search values, ordered by the second objective; null when unchanged. The first message has it. */
  readonly frontier: readonly FrontierKey[] | null;
  readonly now: readonly Activity[];
  readonly epochs: readonly EpochChange[];
  readonly log: readonly LogEntry[];
  /** When the message was made, ms since 1970. */
  readonly at: number;
  /** `size` of the notes; they are in the RunAnswer. */
  readonly notes: number;
}

/** A measured latency with its samples, thinned out evenly when there are many. */
export interface MeasuredLatency extends Pick<
  MeasurementRecord,
  'precision' | 'purpose' | 'device' | 'ms' | 'p50' | 'p95' | 'p99' | 'interval' | 'converged' | 'takenAt'
> {
  readonly certainty: Certainty;
  /** The session, and what the interval of `certainty` includes. */
  readonly explanation: string;
  /** Whether it is the latency of the trial. */
  readonly used: boolean;
  /** In ms, ascending; `taken` is their number before thinning. */
  readonly samples: readonly number[];
  readonly taken: number;
  readonly environment: Readonly<Record<string, string>>;
}

export interface TrialAnswer {
  readonly trial: ReportMember;
  readonly text: TrialWords;
  readonly attempts: number;
  /** Assignments of its trainings to workers of a queue. Absent when there are none. */
  readonly assignments?: readonly ReportAssignment[];
  readonly rejected: number;
  readonly onFrontier: boolean;
  /** Of a member: trials that may dominate it within the 95 % intervals. */
  readonly rivals: readonly number[];
  readonly measurements: readonly MeasuredLatency[];
  readonly log: readonly LogEntry[];
  /** Command lines that export, evaluate or measure this network. */
  readonly commands: readonly { readonly title: string; readonly line: string }[];
}

/** Share of the space between the worst and the best values that the frontier dominates. */
export interface HypervolumePoint {
  readonly trials: number;
  /** Their total duration, in seconds. */
  readonly seconds: number;
  /** In [0, 1]. */
  readonly share: number;
}

export interface HypervolumeAnswer {
  /** Worst and best value of each objective among feasible trials (of all compared runs). */
  readonly worst: Values;
  readonly best: Values;
  /** The points where it changed, and the last one. */
  readonly points: readonly HypervolumePoint[];
}

/** Runs with the same objectives, side by side. */
export interface ComparisonAnswer {
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
  readonly worst: Values;
  readonly best: Values;
  readonly runs: readonly {
    readonly id: RunId;
    readonly run: RunSummary;
    readonly frontier: readonly (CandidateKey & {
      readonly values: Values;
      /** Without sessions: runs have none in common. */
      readonly certainty?: Readonly<Record<string, Certainty>>;
    })[];
    readonly points: readonly HypervolumePoint[];
  }[];
}

export interface TrialCurves {
  readonly number: number;
  readonly search: readonly CurvePoint[];
  readonly final: readonly CurvePoint[];
}

/** Parameter importance: share of an objective's variance that each decision explains alone. */
export interface Importance {
  readonly objective: string;
  /** Shares in [0, 1] by decision, largest first; interactions and noise explain the rest. */
  readonly decisions: readonly { readonly decision: string; readonly share: number }[];
  /** Out-of-sample R2 of the random forest; below 0.3 the shares are unreliable. */
  readonly fit: number;
}

export interface ImportanceAnswer {
  /** The method, with its paper. */
  readonly method: string;
  /** Number of complete trials it is computed from. */
  readonly trials: number;
  /** Number of complete trials that are needed. */
  readonly needed: number;
  /** Null: too few trials. */
  readonly objectives: readonly Importance[] | null;
}

export interface ErrorAnswer {
  readonly error: { readonly message: string; readonly hint?: string };
}

/** Answers to GET, by address; `:run` is a RunId, `:trial` a number. */
export interface Answers {
  /** What this browser may do: send `Actions`, see images of data sets; and whether the server knows its token. */
  readonly '/api/access': { readonly changes: boolean; readonly images: boolean; readonly isKnown: boolean };
  readonly '/api/runs': RunsAnswer;
  readonly '/api/runs/:run': RunAnswer;
  readonly '/api/runs/:run/trials': TrialsAnswer;
  /** Texts of trials, fetched for visible rows. */
  readonly '/api/runs/:run/texts': readonly TrialWords[];
  readonly '/api/runs/:run/curves': readonly TrialCurves[];
  readonly '/api/runs/:run/trials/:trial': TrialAnswer;
  readonly '/api/runs/:run/hypervolume': HypervolumeAnswer;
  readonly '/api/runs/:run/importance': ImportanceAnswer;
  readonly '/api/runs/:run/space': readonly Decision[];
  readonly '/api/runs/:run/predictions': PredictionsAnswer;
  readonly '/api/compare': ComparisonAnswer;
}
export type Address = keyof Answers;

type Nothing = Readonly<Record<string, never>>;
type QuerySchemas = typeof querySchemas;

/** The query of an address, of answers and of streams. */
export type Query<A> = A extends keyof QuerySchemas ? Readonly<z.output<QuerySchemas[A]>> : Nothing;

/** Bodies of POST, by address; for requests with the token of changes. */
export type Bodies = { readonly [A in keyof typeof bodySchemas]: Readonly<z.output<(typeof bodySchemas)[A]>> };

/** Answers to POST. */
export interface Actions extends Readonly<Record<keyof Bodies, unknown>> {
  /** Asks a run that goes on to write its checkpoints and stop. */
  readonly '/api/runs/:run/stop': Nothing;
  /** Has the run try a network next; choices that are not given are drawn at random. */
  readonly '/api/runs/:run/enqueue': {
    readonly name: string;
    readonly choices: Readonly<Record<string, Choice>>;
    /** Whether the search has a trial left for it. */
    readonly planned: boolean;
  };
  /** Changes the note and the tags of a trial, or of the run. */
  readonly '/api/runs/:run/note': Nothing;
}

/**
 * Server-sent events by address. A browser keeps few connections to one server (six, by HTTP/1.1), and a stream takes one
 * of them: hidden pages should close theirs.
 */
export interface Streams {
  /** At once and whenever a run appears, changes or vanishes. */
  readonly '/api/live': { readonly runs: RunsAnswer };
  /**
   * At once and whenever there are events after `?after=cursor`; `Last-Event-ID` of a reconnecting browser takes precedence.
   * `gone` is the last event: the run's file was replaced, removed, or has become unreadable.
   */
  readonly '/api/runs/:run/live': { readonly changes: Changes; readonly gone: ErrorAnswer };
}

/** A file of a run's workdir: `/files/:run/artifacts/frontier/trial-3.onnx`. */
export type FileAddress = `/files/${string}`;
