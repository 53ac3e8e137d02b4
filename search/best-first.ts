import type { Candidate } from './propose.js';

/** A candidate and how promising it is; greater is better. */
export interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
}

/** Candidates of one batch after another, each batch from the most promising to the least (of equals, the earlier). */
export function bestFirst(draw: () => readonly Scored[]): () => Candidate {
  let queue: readonly Scored[] = [];
  let next = 0;
  return () => {
    if (next >= queue.length) {
      queue = [...draw()].sort((a, b) => b.score - a.score);
      next = 0;
    }
    return queue[next++].candidate;
  };
}
