import { migration1 } from './0001-history.js';
import { migration2 } from './0002-weight-sharing.js';
import { migration3 } from './0003-precisions.js';
import type { Migration } from './migration.js';

export type { Migration } from './migration.js';

/** Every step of the schema, in order; the last one's version is the current schema. */
export const migrations: readonly Migration[] = [migration1, migration2, migration3];
