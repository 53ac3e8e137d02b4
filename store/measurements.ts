import type { Connection } from './connection.js';
import type { Events } from './events.js';
import { finite, fromBlob, json, storedPrecisions, toBlob, type StoredPrecision } from './values.js';

/** What a network was measured for. */
export type MeasurementPurpose = 'calibration' | 'trial' | 'frontier';

/** A measured latency with its raw samples; times in ms for one batch. */
export interface NewMeasurement {
  readonly trial?: number;
  readonly genotypeId: string;
  /** Plain data. */
  readonly network: unknown;
  readonly purpose: MeasurementPurpose;
  /** Default: fp32. */
  readonly precision?: StoredPrecision;
  readonly device: string;
  /** Robust centre of the samples. */
  readonly ms: number;
  readonly p50: number;
  readonly p95: number;
  /** Null when there were too few runs for it. */
  readonly p99: number | null;
  /** 95 % confidence interval of `ms`. */
  readonly interval: readonly [low: number, high: number];
  readonly converged: boolean;
  readonly samples: readonly number[];
  /** Device, software and settings; plain data. */
  readonly environment: unknown;
}

export interface MeasurementRecord extends Omit<NewMeasurement, 'trial' | 'network' | 'samples' | 'precision'> {
  readonly id: number;
  readonly precision: StoredPrecision;
  readonly trial: number | null;
  /** In ms since 1970. */
  readonly takenAt: number;
}

/** A measurement without samples and environment: how reliable it is. */
export interface BriefMeasurement extends Pick<
  MeasurementRecord,
  'id' | 'trial' | 'genotypeId' | 'purpose' | 'precision' | 'device' | 'ms' | 'interval' | 'takenAt'
> {
  readonly reliable: boolean;
  /** Full phrases; none when reliable. */
  readonly reasons: readonly string[];
}

/** The measurement of a trial whose latency had been predicted when it was asked, in ms. */
export interface PredictedMeasurement {
  readonly trial: number;
  readonly precision: StoredPrecision;
  readonly measured: number;
  /** In ms since 1970. */
  readonly takenAt: number;
  readonly predicted: number;
  /** Standard deviation of the predictor's error, in ms. */
  readonly std: number;
  /** In [0, 1]; below 1 the predictor extrapolated. */
  readonly coverage: number;
}

interface BriefRow extends Omit<BriefMeasurement, 'interval' | 'reliable' | 'reasons'> {
  readonly low: number;
  readonly high: number;
  readonly reliable: 0 | 1;
  readonly reasons: string | null;
}

interface Row extends Omit<MeasurementRecord, 'converged' | 'interval' | 'environment'> {
  readonly low: number;
  readonly high: number;
  readonly converged: 0 | 1;
  readonly environment: string;
}

const columns = `id, trial, genotype_id AS genotypeId, purpose, precision, device, ms, p50, p95, p99, low, high, converged,
  environment, taken_at AS takenAt`;

/** Latencies measured during the run, in the order in which they were taken. */
export class Measurements {
  private readonly select;
  private readonly selectOf;
  private readonly selectBrief;
  private readonly selectLatest;
  private readonly selectSamples;
  private readonly selectPredicted;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
    private readonly networks: Networks,
  ) {
    this.select = connection.prepare<Row>(`SELECT ${columns} FROM measurements ORDER BY id`);
    this.selectBrief = connection.prepare<BriefRow>(
      `SELECT id, trial, genotype_id AS genotypeId, purpose, precision, device, ms, low, high, taken_at AS takenAt,
         json_extract(environment, '$.reliable') AS reliable, json_extract(environment, '$.reasons') AS reasons
       FROM measurements ORDER BY id`,
    );
    this.selectLatest = connection.prepare<Row>(`SELECT ${columns} FROM measurements ORDER BY id DESC LIMIT 1`);
    this.selectOf = connection.prepare<Row>(`SELECT ${columns} FROM measurements WHERE trial = $trial ORDER BY id`);
    this.selectSamples = connection.prepare<{ samples: Uint8Array }>('SELECT samples FROM measurements WHERE id = $id');
    this.selectPredicted = connection.prepare<PredictedMeasurement>(
      `SELECT m.trial, m.precision, m.ms AS measured, m.taken_at AS takenAt, p.ms AS predicted, p.std, p.coverage
       FROM measurements m JOIN predictions p ON p.trial = m.trial AND p.precision = m.precision
       WHERE m.purpose = 'trial' ORDER BY m.id`,
    );
  }

  /** @returns the measurement's id. */
  add(measurement: NewMeasurement): number {
    const { trial, genotypeId, purpose, precision = 'fp32', device, environment, samples, interval } = measurement;
    const what = `measured latency of network ${genotypeId}`;
    const row = {
      trial: trial ?? null,
      genotypeId,
      purpose,
      precision,
      device,
      ms: finite(measurement.ms, what),
      p50: finite(measurement.p50, what),
      p95: finite(measurement.p95, what),
      p99: measurement.p99 === null ? null : finite(measurement.p99, what),
      low: finite(interval[0], what),
      high: finite(interval[1], what),
      converged: measurement.converged ? 1 : 0,
      samples: toBlob(samples, what),
      environment: json(environment, what),
      takenAt: this.connection.clock(),
    };
    return this.connection.write(() => {
      this.networks.add(genotypeId, measurement.network);
      const id = this.connection.insert('measurements', row);
      const detail = { id, purpose, ...(precision === 'fp32' ? {} : { precision }) };
      this.events.add({ kind: 'measured', detail, ...(trial === undefined ? {} : { trial }) });
      return id;
    });
  }

  all(): MeasurementRecord[] {
    return this.connection.read(() => this.select.all({})).map((row) => this.toRecord(row));
  }

  /** All measurements, about 10 µs each. */
  brief(): BriefMeasurement[] {
    return this.connection
      .read(() => this.selectBrief.all({}))
      .map(({ low, high, reliable, reasons, ...row }) => ({
        ...row,
        interval: [low, high],
        reliable: reliable === 1,
        // Written by the runner.
        reasons: reasons === null ? [] : (this.connection.parse(reasons) as readonly string[]),
      }));
  }

  /** The latest measurement. */
  latest(): MeasurementRecord | undefined {
    const row = this.connection.read(() => this.selectLatest.get({}));
    return row && this.toRecord(row);
  }

  of(trial: number): MeasurementRecord[] {
    return this.connection.read(() => this.selectOf.all({ trial })).map((row) => this.toRecord(row));
  }

  /** Measurements of trials whose latency had been predicted. */
  predicted(): PredictedMeasurement[] {
    return this.connection.read(() => this.selectPredicted.all({}));
  }

  /** The raw samples of a measurement, in ms; empty when there is no such measurement. */
  samples(id: number): number[] {
    const row = this.connection.read(() => this.selectSamples.get({ id }));
    return row === undefined ? [] : fromBlob(row.samples);
  }

  private toRecord({ low, high, converged, environment, ...row }: Row): MeasurementRecord {
    return {
      ...row,
      interval: [low, high],
      converged: converged === 1,
      environment: this.connection.parse(environment),
    };
  }
}

export interface StoredPrediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** In [0, 1]. */
  readonly coverage: number;
}

/** Predictions for a network in each precision with a predictor. */
export type StoredPredictions = Readonly<Partial<Record<StoredPrecision, StoredPrediction>>>;

/** The latencies that were predicted for trials when they were asked. */
export class Predictions {
  private readonly select;

  constructor(private readonly connection: Connection) {
    this.select = connection.prepare<StoredPrediction>(
      'SELECT ms, std, coverage FROM predictions WHERE trial = $trial AND precision = $precision',
    );
  }

  /** Writes predictions; part of a caller's transaction. */
  insert(trial: number, predictions: StoredPredictions): void {
    const what = `of trial ${trial}`;
    for (const precision of storedPrecisions) {
      const prediction = predictions[precision];
      if (prediction === undefined) continue;
      this.connection.insert('predictions', {
        trial,
        precision,
        ms: finite(prediction.ms, `predicted latency ${what}`),
        std: finite(prediction.std, `predicted latency's error ${what}`),
        coverage: finite(prediction.coverage, `predicted latency's coverage ${what}`),
      });
    }
  }

  of(trial: number, precision: StoredPrecision): StoredPrediction | undefined {
    return this.connection.read(() => this.select.get({ trial, precision }));
  }
}

/** Descriptions of networks, one for each genotype id. */
export class Networks {
  private readonly select;

  constructor(private readonly connection: Connection) {
    this.select = connection.prepare<{ network: string }>(
      'SELECT network FROM networks WHERE genotype_id = $genotypeId',
    );
  }

  /** Stores a network; the first description under an id stays. */
  add(genotypeId: string, network: unknown): void {
    const text = json(network, `network ${genotypeId}`);
    this.connection.write(() => {
      if (this.select.get({ genotypeId }) === undefined)
        this.connection.insert('networks', { genotypeId, network: text });
    });
  }

  /** The description as plain data, or undefined when this network was neither asked nor measured. */
  get(genotypeId: string): unknown {
    const row = this.connection.read(() => this.select.get({ genotypeId }));
    return row === undefined ? undefined : this.connection.parse(row.network);
  }
}
