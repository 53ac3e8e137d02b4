/** Whether networks are trained, looked up in a table of results, or evaluated by a program of the user. */
export type ExperimentKind = 'training' | 'table' | 'study';

const typeOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value ? value.type : value;

/** The kind of an experiment as it is written. */
export function kindOf({ space, evaluate }: { readonly space?: unknown; readonly evaluate?: unknown }): ExperimentKind {
  if (typeOf(evaluate) === 'tell') return 'study';
  return typeOf(space) === 'table' ? 'table' : 'training';
}
