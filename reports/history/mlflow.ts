import { abortedAfter } from '../../base/deadline.js';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, NasError } from '../../base/errors.js';
import type { RunState, TrialState } from '../../store/index.js';
import type { HistoryEntry, HistoryRun, RunLog } from './history.js';

/** How a server is asked. */
export interface MlflowAccess {
  /** `http://localhost:5000`. */
  readonly url: string;
  /** Value of the header `authorization`; absent: none. */
  readonly authorization?: string | undefined;
  /** How often a request is sent that the server does not answer, or answers with an error of its own. */
  readonly tries: number;
  /** How long an answer is waited for, in ms. */
  readonly patience: number;
  /** Aborted: requests end. */
  readonly signal?: AbortSignal | undefined;
}

/** The header that MLflow's own variables of the environment say. */
export function mlflowAuthorization(env: NodeJS.ProcessEnv): string | undefined {
  const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password } = env;
  if (token !== undefined) return `Bearer ${token}`;
  if (user === undefined) return undefined;
  return `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
}

const states: { readonly [S in TrialState]: string } = {
  waiting: 'SCHEDULED',
  running: 'RUNNING',
  complete: 'FINISHED',
  pruned: 'KILLED',
  failed: 'FAILED',
};
const runStates: { readonly [S in RunState]: string } = {
  running: 'RUNNING',
  complete: 'FINISHED',
  interrupted: 'KILLED',
  died: 'KILLED',
  infeasible: 'FAILED',
  failed: 'FAILED',
};

/** The longest value of a param or tag that every server takes. */
const longest = 500;

const experimentSchema = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const newExperimentSchema = z.object({ experiment_id: z.string() });
const runSchema = z.object({ info: z.object({ run_id: z.string(), artifact_uri: z.string().optional() }) });
const newRunSchema = z.object({ run: runSchema });
const foundSchema = z.object({ runs: z.array(runSchema).optional() });
const refusalSchema = z.object({ error_code: z.string(), message: z.string().optional() });
type MlflowRun = z.output<typeof runSchema>['info'];

interface Pair {
  readonly key: string;
  readonly value: string;
}

interface Metric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

const pairs = (values: Readonly<Record<string, unknown>>): Pair[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: String(value).slice(0, longest) }));

/** What a server answers to a request that it refuses. */
class Refusal extends Error {
  constructor(
    message: string,
    /** MLflow's word. */
    readonly code: string,
    /** Whether the same request may succeed later. */
    readonly isPassing: boolean,
  ) {
    super(message);
  }
}

/**
 * Runs of an MLflow server: one of the whole run, and one of each trial below it. They are found again by their tags, so that
 * nothing is there twice.
 */
export class MlflowLog implements RunLog {
  private experiment: string | undefined;
  private readonly runs = new Map<string, MlflowRun>();

  constructor(
    private readonly access: MlflowAccess,
    private readonly of: Pick<HistoryRun, 'name' | 'createdAt'>,
  ) {}

  async trial(entries: readonly HistoryEntry[]): Promise<void> {
    const parent = await this.parent();
    for (const { name, trial, values, texts, epochs, changedAt } of entries) {
      const { run_id } = await this.runOf(name, trial.askedAt, { 'mlflow.parentRunId': parent.run_id });
      const step = epochs.filter(({ stage }) => stage === 'search').length;
      const metrics = [...epochs, { at: changedAt, step, values }].flatMap((one) =>
        Object.entries(one.values).map(([key, value]) => ({ key, value, timestamp: one.at, step: one.step })),
      );
      await this.write(run_id, { params: pairs(trial.choices), tags: pairs(texts), metrics });
      await this.end(run_id, states[trial.state], trial.finishedAt);
    }
  }

  async run(run: HistoryRun, entries: readonly HistoryEntry[]): Promise<void> {
    const { status, frontier, objectives, source, picture } = run;
    const { run_id, artifact_uri: place } = await this.parent();
    const members = entries.filter(({ name }) => frontier.includes(name));
    for (const { name, trial } of members) {
      const member = await this.runOf(name, trial.askedAt, {});
      await this.write(member.run_id, { tags: pairs({ 'nas.frontier': true }) });
    }
    const timestamp = Math.max(this.of.createdAt, ...entries.map(({ changedAt }) => changedAt));
    const best = objectives.flatMap(({ name, direction }) => {
      const values = members.map((member) => member.values[name]);
      const value = Math[direction === 'maximize' ? 'max' : 'min'](...values);
      return values.length === 0 ? [] : [{ key: `best/${name}`, value, timestamp, step: entries.length }];
    });
    await this.write(run_id, { tags: pairs({ 'nas.frontier': frontier.join(' ') }), metrics: best });
    // A server without a proxy keeps artifacts at a place of its own.
    if (place?.startsWith('mlflow-artifacts:/') === true) {
      const upload = (name: string, content: Uint8Array): Promise<unknown> =>
        this.request(
          'PUT',
          `mlflow-artifacts/artifacts/${place.replace(/^mlflow-artifacts:\/+/, '')}/${name}`,
          content,
        );
      await upload('experiment.yaml', Buffer.from(source));
      if (picture) await upload('frontier.png', picture.png);
    }
    await this.end(run_id, runStates[status], status === 'running' ? null : timestamp);
  }

  private parent(): Promise<MlflowRun> {
    return this.runOf(this.of.name, this.of.createdAt, {});
  }

  /** The run of a name; creates it where the server has none. */
  private async runOf(name: string, start: number, tags: Readonly<Record<string, string>>): Promise<MlflowRun> {
    const known = this.runs.get(name);
    if (known !== undefined) return known;
    const own = { 'nas.run': `${this.of.name}-${this.of.createdAt}`, 'nas.name': name };
    const words = Object.entries(own).map(([key, value]) => `tags.${key} = '${value}'`);
    // Asked together: an earlier try may have created it, and its answer was lost.
    const found = await this.tried(async () => {
      const experiment_id = (this.experiment ??= await this.experimentOf(this.of.name));
      const asked = { experiment_ids: [experiment_id], filter: words.join(' AND '), max_results: 1 };
      const { runs } = foundSchema.parse(await this.once('POST', 'mlflow/runs/search', asked));
      if (runs?.[0] !== undefined) return runs[0].info;
      const wanted = { experiment_id, run_name: name, start_time: start, tags: pairs({ ...own, ...tags }) };
      return newRunSchema.parse(await this.once('POST', 'mlflow/runs/create', wanted)).run.info;
    });
    this.runs.set(name, found);
    return found;
  }

  private async experimentOf(name: string): Promise<string> {
    try {
      const path = `mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
      return experimentSchema.parse(await this.once('GET', path)).experiment.experiment_id;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'RESOURCE_DOES_NOT_EXIST') throw error;
      return newExperimentSchema.parse(await this.once('POST', 'mlflow/experiments/create', { name })).experiment_id;
    }
  }

  /** Writes in parts that every server takes. What is there already stays once. */
  private async write(
    run_id: string,
    {
      params = [],
      tags = [],
      metrics = [],
    }: { params?: readonly Pair[]; tags?: readonly Pair[]; metrics?: readonly Metric[] },
  ): Promise<void> {
    const part = <T>(items: readonly T[], i: number, size: number): T[] => items.slice(i * size, (i + 1) * size);
    for (let i = 0; i < Math.max(params.length / 100, tags.length / 100, metrics.length / 800); i++)
      await this.request('POST', 'mlflow/runs/log-batch', {
        run_id,
        params: part(params, i, 100),
        tags: part(tags, i, 100),
        metrics: part(metrics, i, 800),
      });
  }

  private async end(run_id: string, status: string, end_time: number | null): Promise<void> {
    const times = end_time === null ? {} : { end_time };
    await this.request('POST', 'mlflow/runs/update', { run_id, status, ...times });
  }

  private request(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.tried(() => this.once(method, path, body));
  }

  /** @throws NasError `failure` with the server's address when the last try failed */
  private async tried<T>(task: () => Promise<T>): Promise<T> {
    const { url, tries, signal } = this.access;
    for (let wait = 500, left = tries; ; wait *= 2) {
      try {
        return await task();
      } catch (cause) {
        if (--left <= 0 || signal?.aborted === true || (cause instanceof Refusal && !cause.isPassing))
          throw new NasError('failure', `MLflow at ${url}: ${reasonOf(cause)}`, { cause });
        await pause(wait, undefined, { signal });
      }
    }
  }

  private async once(method: string, path: string, body?: unknown): Promise<unknown> {
    const { url, authorization, patience, signal } = this.access;
    const isFile = body instanceof Uint8Array;
    const response = await fetch(`${url.replace(/\/$/, '')}/api/2.0/${path}`, {
      method,
      headers: {
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && { 'content-type': isFile ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body !== undefined && { body: isFile ? Buffer.from(body) : JSON.stringify(body) }),
      signal: AbortSignal.any([abortedAfter(patience), ...(signal ? [signal] : [])]),
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { data } = refusalSchema.safeParse(answer);
    const text = data === undefined ? '' : `: ${data.error_code}: ${data.message ?? ''}`;
    const isPassing = response.status >= 500 || response.status === 429;
    throw new Refusal(
      `${path.split('?')[0]} was answered with ${response.status}${text}`,
      data?.error_code ?? '',
      isPassing,
    );
  }
}

/** `fetch` itself says only that it failed; its cause may have no more than a code. */
function reasonOf(error: unknown): string {
  const cause = error instanceof TypeError ? (error.cause ?? error) : error;
  return messageOf(cause) || (cause as NodeJS.ErrnoException).code || 'no answer';
}
