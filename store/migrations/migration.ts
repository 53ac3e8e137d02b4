/** One step of the schema: takes a database from `version - 1` to `version`. Never edited once released. */
export interface Migration {
  readonly version: number;
  /** SQL statements, run in order within one transaction. */
  readonly statements: readonly string[];
}
