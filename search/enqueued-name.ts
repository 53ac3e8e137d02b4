const prefix = 'enqueued: ';

/** Why an enqueued trial was asked. */
export const enqueuedReason = (name: string): string => `${prefix}${name}`;

/** The name of an enqueued trial, by the reason of its proposal; undefined when a controller chose it. */
export const enqueuedName = (reason: string): string | undefined =>
  reason.startsWith(prefix) ? reason.slice(prefix.length) : undefined;
