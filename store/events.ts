import type { Connection } from './connection.js';
import { isRare } from './schema.js';
import { json } from './values.js';

/** What can happen to a run. The store writes most of these itself, in the same transaction as what happened. */
export const eventKinds = [
  'created',
  'status',
  'asked',
  'started',
  'taken',
  'workers-group',
  'retried',
  'promoted',
  'epoch',
  'reported',
  'finished',
  'values',
  'variant-values',
  'variant-judged',
  'measured',
  'measuring-again',
  'final-finished',
  'fold-finished',
  'artifact',
  'supernet-trained',
  'weight-bits',
  'enqueued',
  'earlier-run',
  'resumed',
  'inputs-accepted',
  'extended',
  'interrupted',
  'prediction-quality',
  'teacher-left',
  'note',
  'warning',
] as const;
export type EventKind = (typeof eventKinds)[number];

export interface NewEvent {
  readonly kind: EventKind;
  readonly trial?: number;
  /** Plain data. */
  readonly detail?: unknown;
}

export interface EventRecord extends Required<Omit<NewEvent, 'trial'>> {
  /** Order of events over the whole run. */
  readonly seq: number;
  /** When, in ms since 1970. */
  readonly at: number;
  readonly trial: number | null;
}

const isRareKind = (kind: EventKind): boolean => !isRare.includes(`'${kind}'`);

interface Row extends Omit<EventRecord, 'detail'> {
  readonly detail: string;
}

export class Events {
  private readonly select;
  private readonly selectOf;
  private readonly selectRareOf;
  private readonly selectLast;
  private readonly selectLastRare;
  private readonly selectLastOf;
  private readonly selectLatest;

  constructor(private readonly connection: Connection) {
    const columns = 'SELECT seq, at, kind, trial, detail FROM events';
    const among = 'kind IN (SELECT value FROM json_each($kinds))';
    this.select = connection.prepare<Row>(`${columns} WHERE seq > $after ORDER BY seq LIMIT $limit`);
    // SQLite uses the index of rare events where a query repeats its condition.
    this.selectOf = connection.prepare<Row>(`${columns} WHERE ${among} ORDER BY seq`);
    this.selectRareOf = connection.prepare<Row>(`${columns} WHERE ${isRare} AND ${among} ORDER BY seq`);
    const newest = 'ORDER BY seq DESC LIMIT $limit';
    this.selectLast = connection.prepare<Row>(`${columns} WHERE kind = $kind ${newest}`);
    this.selectLastRare = connection.prepare<Row>(`${columns} WHERE ${isRare} AND kind = $kind ${newest}`);
    this.selectLastOf = connection.prepare<Row>(`${columns} WHERE trial = $trial AND ${among} ${newest}`);
    this.selectLatest = connection.prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM events');
  }

  add({ kind, trial, detail = {} }: NewEvent): void {
    const row = { at: this.connection.clock(), kind, trial: trial ?? null, detail: json(detail, `event ${kind}`) };
    this.connection.write(() => this.connection.insert('events', row));
  }

  /** Events in order; with `after`, only those whose `seq` is greater; at most `limit`. */
  all(after = 0, limit = -1): EventRecord[] {
    return this.connection.read(() => this.select.all({ after, limit })).map(this.toRecord);
  }

  of(...kinds: readonly EventKind[]): EventRecord[] {
    const select = kinds.every(isRareKind) ? this.selectRareOf : this.selectOf;
    return this.connection.read(() => select.all({ kinds: JSON.stringify(kinds) })).map(this.toRecord);
  }

  /** The latest of some kinds (of one trial, where it is given), the newest first; at most `limit`. */
  last(kinds: readonly EventKind[], limit: number, trial?: number): EventRecord[] {
    const rows = this.connection.read(() =>
      trial === undefined
        ? kinds.flatMap((kind) => (isRareKind(kind) ? this.selectLastRare : this.selectLast).all({ kind, limit }))
        : this.selectLastOf.all({ kinds: JSON.stringify(kinds), limit, trial }),
    );
    const newest = rows.sort((a, b) => b.seq - a.seq).slice(0, limit);
    return newest.map(this.toRecord);
  }

  /** The `seq` of the newest; 0 when there is none. */
  latest(): number {
    return this.connection.read(() => this.selectLatest.get({})?.seq ?? 0);
  }

  private readonly toRecord = (row: Row): EventRecord => ({ ...row, detail: this.connection.parse(row.detail) });
}
