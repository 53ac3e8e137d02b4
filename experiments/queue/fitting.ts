import type { Abilities, Lane } from './lanes.js';

/** What keeps a worker from a lane's jobs, each as the end of a sentence about the worker; empty: nothing. */
export function whyNot(lane: Lane, worker: Abilities): readonly string[] {
  return [
    ...(worker.build === lane.build ? [] : [`runs nas ${worker.build}, not ${lane.build}`]),
    ...(lane.group === null || worker.group === lane.group
      ? []
      : [`is of group ${worker.group}, not ${lane.group}: its results differ in the last bits`]),
    ...(lane.tag === null || worker.tags.includes(lane.tag) ? [] : [`has no tag ${lane.tag}`]),
    ...(!lane.modules || worker.modules ? [] : ['runs no code of others (--allow-modules)']),
  ];
}
