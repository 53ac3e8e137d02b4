import { dirname } from 'node:path';
import { corrupt, type Connection } from './connection.js';
import type { Events } from './events.js';
import { isWorkedIn } from './lock.js';
import { json } from './values.js';

/** The facts of a run; written once. */
export interface RunMeta {
  readonly name: string;
  readonly seed: number;
  /** The experiment file's text, as the user wrote it. */
  readonly source: string;
  /** The experiment with every default filled in; plain data. */
  readonly experiment: unknown;
  /** What the user wrote; plain data. */
  readonly written: unknown;
  /** Names of the data's classes, in label order. Runs on a table do not have them. */
  readonly classes?: readonly string[] | undefined;
  /** Shape and classes of the data before a decision of the space on resolution. Runs on a table do not have it. */
  readonly task?: { readonly input: readonly [number, number, number]; readonly classes: number } | undefined;
  /** Number of training images. Runs that train nothing do not have it. */
  readonly images?: number | undefined;
  /** Training threads per worker: results repeat bit for bit only with the same number. */
  readonly threads: number;
  readonly version: string;
  /** Machine and software; plain data. */
  readonly environment: unknown;
}

export interface RunRecord extends Omit<RunMeta, 'written' | 'classes' | 'task' | 'images'> {
  /** In ms since 1970. */
  readonly createdAt: number;
}

/** `failed`: ended by an error that is not a trial's own. */
export type RunStatus = 'running' | 'complete' | 'interrupted' | 'infeasible' | 'failed';

/** `died`: the stored status is `running`, and no process works on the run. */
export type RunState = RunStatus | 'died';

export interface RunStatusRecord<Status = RunStatus> {
  readonly status: Status;
  readonly message: string | null;
  /** Since when, in ms since 1970. */
  readonly at: number;
}

interface Row extends Omit<RunRecord, 'experiment' | 'environment'> {
  readonly experiment: string;
  readonly environment: string;
}

/** The run that a database is about, and its status. */
export class Run {
  private readonly select;
  private readonly selectStatus;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.select = connection.prepare<Row>(
      `SELECT name, seed, source, experiment, threads, version, environment, created_at AS createdAt FROM run`,
    );
    this.selectStatus = connection.prepare<RunStatusRecord>('SELECT status, message, at FROM run_status');
  }

  /** Writes the facts of the run; once, when the database is created. The run is then `running`. */
  begin({ written, classes, task, images, ...meta }: RunMeta): void {
    this.connection.write(() => {
      this.connection.insert('run', {
        id: 1,
        ...meta,
        experiment: json(meta.experiment, 'experiment'),
        environment: json(meta.environment, 'environment'),
        createdAt: this.connection.clock(),
      });
      const found = { ...(classes && { classes }), ...(task && { task }), ...(images !== undefined && { images }) };
      this.events.add({ kind: 'created', detail: { version: meta.version, written, ...found } });
      this.setStatus('running');
    });
  }

  get(): RunRecord {
    const row = this.row();
    const { parse } = this.connection;
    // Written by `extend`.
    const extended = this.events.of('extended').at(-1)?.detail as { readonly experiment: unknown } | undefined;
    const experiment = extended?.experiment ?? parse(row.experiment);
    return { ...row, experiment, environment: parse(row.environment) };
  }

  /** Names of the data's classes, in label order; null when the run does not have them (`RunMeta`). */
  classes(): readonly string[] | null {
    return this.found().classes ?? null;
  }

  /** Shape and number of classes of the data. @throws NasError `invalid-input` for a run on a table, which has none */
  task(): NonNullable<RunMeta['task']> {
    const { task } = this.found();
    if (task === undefined) throw corrupt(this.connection.path, 'it does not say how large its images are');
    return task;
  }

  /** Number of training images; null when the run does not have it (`RunMeta`). */
  images(): number | null {
    return this.found().images ?? null;
  }

  private found(): Pick<RunMeta, 'classes' | 'task' | 'images'> {
    // Written by `begin`.
    const { detail = {} } = this.events.of('created').at(0) ?? {};
    return detail as Pick<RunMeta, 'classes' | 'task' | 'images'>;
  }

  /** When it was begun, in ms since 1970: quicker than `get`, which looks for extensions among all events. */
  createdAt(): number {
    return this.row().createdAt;
  }

  private row(): Row {
    const row = this.connection.read(() => this.select.get({}));
    if (row === undefined) throw corrupt(this.connection.path, 'it does not say which run it is about');
    return row;
  }

  /**
   * Replaces the experiment by one with another number of trials, or as a budget decided. What the user wrote stays as it is.
   * @param detail why; kept in the event
   */
  extend(experiment: unknown, detail: object = {}): void {
    this.events.add({ kind: 'extended', detail: { experiment, ...detail } });
  }

  status(): RunStatusRecord {
    const row = this.connection.read(() => this.selectStatus.get({}));
    if (row === undefined) throw corrupt(this.connection.path, 'it does not say how the run stands');
    return row;
  }

  /** The stored status, or `died` where no process works in the folder of a run that says it is running. */
  state(): RunStatusRecord<RunState> {
    const record = this.status();
    const died = record.status === 'running' && !isWorkedIn(dirname(this.connection.path));
    return died ? { ...record, status: 'died' } : record;
  }

  setStatus(status: RunStatus, message?: string): void {
    this.connection.write(() => {
      this.connection.insert('run_states', { status, message: message ?? null, at: this.connection.clock() });
      this.events.add({ kind: 'status', detail: { status } });
    });
  }
}
