import { dirname } from 'node:path';
import { ClassResults } from './class-results.js';
import type { Clock, Connection } from './connection.js';
import { Events } from './events.js';
import { Finals } from './finals.js';
import { Measurements, Networks, Predictions } from './measurements.js';
import { createDatabase, memoryDatabase, openDatabase, type StoreOptions } from './open.js';
import { Run, type RunMeta } from './run.js';
import { Artifacts, Attempts, Curves } from './trainings.js';
import { TrialOverview } from './trial-overview.js';
import { TrialValues } from './trial-values.js';
import { Trials } from './trials.js';
import { Variants } from './variants.js';

/**
 * Everything that is known about one run, in one SQLite file: an append-only history, and views of its current state.
 * Every method is one transaction; `transaction` makes one of several calls.
 *
 * All methods throw NasError `invalid-input` when the disk is full, the file is damaged or read-only, and `in-use`
 * when another process keeps it locked; `failure` when a number to be stored is NaN or infinite.
 */
export class Store implements Disposable {
  readonly run: Run;
  readonly trials: Trials;
  readonly overview: TrialOverview;
  readonly variants: Variants;
  readonly networks: Networks;
  readonly curves: Curves;
  readonly classResults: ClassResults;
  readonly measurements: Measurements;
  readonly finals: Finals;
  readonly artifacts: Artifacts;
  readonly events: Events;

  /** @param connection an open database with the current schema. */
  constructor(private readonly connection: Connection) {
    const events = new Events(connection);
    const attempts = new Attempts(connection, events);
    const networks = new Networks(connection);
    const values = new TrialValues(connection);
    const variants = new Variants(connection, events);
    const predictions = new Predictions(connection);
    this.events = events;
    this.run = new Run(connection, events);
    this.networks = networks;
    this.variants = variants;
    this.trials = new Trials(connection, { events, networks, attempts, predictions, values, variants });
    this.overview = new TrialOverview(connection, { values, variants });
    this.curves = new Curves(connection, events);
    this.classResults = new ClassResults(connection);
    this.measurements = new Measurements(connection, events, networks);
    this.finals = new Finals(connection, events, attempts);
    this.artifacts = new Artifacts(connection, events);
  }

  /**
   * Creates the database of a new run; its folder is made when missing. The file appears complete or not at all.
   * @param fill writes what the run begins with
   * @throws NasError `invalid-input` when the file exists or cannot be written.
   */
  static create(path: string, meta: RunMeta, clock: Clock = Date.now, fill?: (store: Store) => void): Store {
    createDatabase(path, clock, (connection) => {
      const store = new Store(connection);
      store.run.begin(meta);
      fill?.(store);
    });
    return Store.open(path, { clock });
  }

  /** A store in memory, which ends with the process. */
  static inMemory(meta: RunMeta, clock: Clock = Date.now): Store {
    const store = new Store(memoryDatabase(clock));
    store.run.begin(meta);
    return store;
  }

  /**
   * Opens the database of a run.
   * @throws NasError `invalid-input` when it is missing, damaged, not of nas, of another version of its schema, or may not be written.
   */
  static open(path: string, options: StoreOptions = {}): Store {
    return new Store(openDatabase(path, options));
  }

  /** Runs calls in one transaction: all of them are recorded, or (when `task` throws) none. */
  transaction<T>(task: () => T): T {
    return this.connection.write(task);
  }

  /** Runs calls in one reading: they see the run as it is at one moment. */
  reading<T>(task: () => T): T {
    return this.connection.read(task);
  }

  /** The folder of the file. */
  get directory(): string {
    return dirname(this.connection.path);
  }

  /** Closes the file; safe to call twice. `using` does it at the end of a block. */
  close(): void {
    this.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
