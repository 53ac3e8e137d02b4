import { migration1 } from './0001-history.js';
import { migration2 } from './0002-weight-sharing.js';
import { migration3 } from './0003-precisions.js';
import { migration4 } from './0004-unread-views.js';
import { migration5 } from './0005-no-p99.js';
import { migration6 } from './0006-class-results.js';
import { migration7 } from './0007-tasks.js';
import { migration8 } from './0008-event-indices.js';
import { migration9 } from './0009-rare-events.js';

/** One step of the schema: takes a database from `version - 1` to `version`. Never edited once released. */
export interface Migration {
  readonly version: number;
  /** SQL statements, run in order within one transaction. */
  readonly statements: readonly string[];
}

/** Every step of the schema, in order; the last one's version is the current schema. */
export const migrations: readonly Migration[] = [
  migration1,
  migration2,
  migration3,
  migration4,
  migration5,
  migration6,
  migration7,
  migration8,
  migration9,
];
