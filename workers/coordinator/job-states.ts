/** Where a job is in its life, as its coordinator sees it. */
export type State =
  /** Its inputs are hashed, and stored where workers find them. */
  | 'preparing'
  /** It waits in the queue. */
  | 'waiting'
  /** A worker does it. */
  | 'running'
  /** It is cancelled; its worker writes a checkpoint. */
  | 'stopping'
  /** It is done; its files are written to their places. */
  | 'finishing'
  /** An attempt ended; the next one is made ready from its files. */
  | 'restarting'
  /** It was cancelled while its files were written. */
  | 'leaving'
  | 'ended';

export type Event =
  /** Its inputs are stored. */
  | 'prepared'
  /** A worker has taken it. */
  | 'started'
  | 'done'
  /** It was stopped, its worker returned it, or the server lost it. */
  | 'interrupted'
  /** Its process or worker died; another attempt is left. */
  | 'died'
  /** Its process or worker died; no attempt is left. */
  | 'exhausted'
  /** It failed by itself. */
  | 'failed'
  /** Its owner cancels it. */
  | 'cancel'
  /** It was taken from the queue before a worker took it. */
  | 'withdrawn'
  /** The files of the last attempt are in their places, and the next attempt, if there is one, is ready. */
  | 'ready'
  /** Its worker has been silent for long. */
  | 'lapsed'
  /** A file cannot be written, or its listener threw. */
  | 'broken'
  /** Another coordinator has the run now. */
  | 'disowned';

export type Action =
  | 'submit'
  /** Takes it from the queue, or asks its worker to stop. */
  | 'withdraw'
  /** Writes the files of the last attempt, then: `ready`. */
  | 'place'
  /** Writes the files of the last attempt and prepares the next one, then: `ready`. */
  | 'restart'
  /** Gives the owner the result of the last attempt. */
  | 'resolve'
  | 'reject'
  /** Gives the owner the result of the last attempt, or says that there is none because it was cancelled. */
  | 'resolveCancelled'
  | 'rejectCancelled'
  /** Has its worker stop without waiting for it. */
  | 'abandon'
  /** Leaves it to another coordinator. */
  | 'forget';

type Row = { readonly [E in Event]?: readonly [State, ...Action[]] };

const always: Row = { disowned: ['ended', 'forget', 'reject'] };

/** Events of a job that is queued and not cancelled. */
const queued: Row = {
  ...always,
  done: ['finishing', 'place'],
  interrupted: ['restarting', 'restart'],
  died: ['restarting', 'restart'],
  exhausted: ['ended', 'reject'],
  failed: ['ended', 'reject'],
  cancel: ['stopping', 'withdraw'],
  broken: ['ended', 'abandon', 'reject'],
};

/** The life of a job: the next state and the actions for each event. Events without an entry change nothing. */
export const jobStates: { readonly [S in State]: Row } = {
  preparing: {
    ...always,
    prepared: ['waiting', 'submit'],
    cancel: ['ended', 'rejectCancelled'],
    broken: ['ended', 'reject'],
  },
  waiting: { ...queued, started: ['running'] },
  running: queued,
  stopping: {
    ...always,
    done: ['finishing', 'place'],
    interrupted: ['leaving', 'place'],
    died: ['ended', 'rejectCancelled'],
    exhausted: ['ended', 'rejectCancelled'],
    failed: ['ended', 'reject'],
    withdrawn: ['ended', 'rejectCancelled'],
    lapsed: ['ended', 'abandon', 'rejectCancelled'],
    broken: ['ended', 'abandon', 'reject'],
  },
  finishing: {
    ...always,
    ready: ['ended', 'resolve'],
    died: ['restarting', 'restart'],
    exhausted: ['ended', 'reject'],
    cancel: ['leaving'],
    broken: ['ended', 'reject'],
  },
  restarting: { ...always, ready: ['waiting', 'submit'], cancel: ['leaving'], broken: ['ended', 'reject'] },
  leaving: {
    ...always,
    ready: ['ended', 'resolveCancelled'],
    died: ['ended', 'rejectCancelled'],
    exhausted: ['ended', 'rejectCancelled'],
    lapsed: ['ended', 'rejectCancelled'],
    broken: ['ended', 'reject'],
  },
  ended: {},
};
