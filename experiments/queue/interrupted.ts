/** Whether a job's result says that it was stopped before it was done. */
export const isInterrupted = (result: unknown): boolean =>
  typeof result === 'object' &&
  result !== null &&
  (('state' in result && result.state === 'interrupted') || ('interrupted' in result && result.interrupted === true));
