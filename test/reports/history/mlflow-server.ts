import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

const pairs = z.array(z.strictObject({ key: z.string(), value: z.string() }));
const metrics = z.array(
  z.strictObject({ key: z.string(), value: z.number(), timestamp: z.number().int(), step: z.number().int() }),
);

interface StoredRun {
  readonly id: string;
  readonly experiment: string;
  readonly name: string;
  status: string;
  readonly start: number;
  end?: number;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  /** Rows with an equal key, value, time and step are one. */
  readonly metrics: Map<string, { key: string; value: number; timestamp: number; step: number }>;
}

/** What a request is answered with instead of the usual answer. */
export type Fault = 'error' | 'silence' | 'lost-answer';

class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Answers a body of this shape. */
function endpoint<T>(shape: z.ZodType<T>, answer: (body: T) => unknown): (body: unknown) => unknown {
  return (body) => {
    const { data, error } = shape.safeParse(body);
    if (data === undefined) throw new Refused(400, 'INVALID_PARAMETER_VALUE', error?.message ?? '');
    return answer(data);
  };
}

/** A tracking server in memory, with the answers, limits and errors of MLflow's REST documentation. */
export class MlflowServer {
  readonly experiments = new Map<string, string>();
  readonly runs = new Map<string, StoredRun>();
  readonly artifacts = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** Of the next requests; null: as usual. */
  readonly faults: (Fault | null)[] = [];
  /** Of every request; null: as usual. */
  always: Fault | null = null;
  authorization: string | undefined;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<MlflowServer> {
    const server = createServer((request, response) => {
      void own.answer(request).then(
        (answer) => {
          if (answer === undefined) return;
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        },
        (error: unknown) => {
          const { status, code, message } =
            error instanceof Refused ? error : new Refused(500, 'INTERNAL_ERROR', String(error));
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ error_code: code, message }));
        },
      );
    });
    const own = new MlflowServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => own.stop());
    return own;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** The run of a name. */
  run(name: string): StoredRun {
    const found = [...this.runs.values()].filter((run) => run.name === name);
    if (found.length !== 1) throw new Error(`${found.length} runs are called ${name}`);
    return found[0];
  }

  private async answer(request: IncomingMessage): Promise<unknown> {
    const { method = '', url = '' } = request;
    const { pathname, searchParams } = new URL(url, this.url);
    const path = pathname.replace('/api/2.0/', '');
    this.requests.push(path);
    this.authorization = request.headers.authorization;
    const fault = this.faults.shift() ?? this.always;
    if (fault === 'silence') return undefined;
    if (fault === 'error') throw new Refused(500, 'INTERNAL_ERROR', 'as asked for');
    const answer = await this.usual(method, path, searchParams, request);
    if (fault !== 'lost-answer') return answer;
    request.socket.destroy();
    return undefined;
  }

  private async usual(
    method: string,
    path: string,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<unknown> {
    if (method === 'PUT' && path.startsWith('mlflow-artifacts/artifacts/')) {
      this.artifacts.set(path.replace('mlflow-artifacts/artifacts/', ''), await buffer(request));
      return {};
    }
    if (method === 'GET' && path === 'mlflow/experiments/get-by-name') {
      const name = query.get('experiment_name') ?? '';
      const id = this.experiments.get(name);
      if (id === undefined) throw new Refused(404, 'RESOURCE_DOES_NOT_EXIST', `Could not find experiment ${name}`);
      return { experiment: { experiment_id: id, name, lifecycle_stage: 'active' } };
    }
    if (method !== 'POST') throw new Refused(404, 'ENDPOINT_NOT_FOUND', path);
    const answer = this.endpoints[path];
    if (answer === undefined) throw new Refused(404, 'ENDPOINT_NOT_FOUND', path);
    return answer(await json(request));
  }

  private readonly endpoints: Readonly<Record<string, ((body: unknown) => unknown) | undefined>> = {
    'mlflow/experiments/create': endpoint(z.strictObject({ name: z.string() }), ({ name }) => {
      if (this.experiments.has(name)) throw new Refused(400, 'RESOURCE_ALREADY_EXISTS', name);
      this.experiments.set(name, String(this.experiments.size + 1));
      return { experiment_id: this.experiments.get(name) };
    }),
    'mlflow/runs/create': endpoint(
      z.strictObject({ experiment_id: z.string(), run_name: z.string(), start_time: z.number().int(), tags: pairs }),
      (body) => {
        const id = `r${this.runs.size}`;
        this.runs.set(id, {
          ...{ id, experiment: body.experiment_id, name: body.run_name, status: 'RUNNING', start: body.start_time },
          ...{ params: new Map(), tags: new Map(body.tags.map(({ key, value }) => [key, value])), metrics: new Map() },
        });
        return { run: this.described(id) };
      },
    ),
    'mlflow/runs/search': endpoint(
      z.strictObject({ experiment_ids: z.array(z.string()), filter: z.string(), max_results: z.number() }),
      (body) => {
        const wanted = body.filter.split(' AND ').map((part) => {
          const [, key = '', value = ''] = /^tags\.([\w.]+) = '([^']*)'$/.exec(part) ?? [];
          if (key === '') throw new Refused(400, 'INVALID_PARAMETER_VALUE', `Invalid filter: ${part}`);
          return [key, value] as const;
        });
        const found = [...this.runs.values()].filter(
          ({ experiment, tags }) =>
            body.experiment_ids.includes(experiment) && wanted.every(([key, value]) => tags.get(key) === value),
        );
        const runs = found.slice(0, body.max_results).map(({ id }) => this.described(id));
        // An empty list is left out.
        return runs.length === 0 ? {} : { runs };
      },
    ),
    'mlflow/runs/log-batch': endpoint(
      z.strictObject({ run_id: z.string(), metrics, params: pairs, tags: pairs }),
      (body) => {
        const run = this.found(body.run_id);
        if (body.metrics.length > 1000 || body.params.length > 100 || body.tags.length > 100)
          throw new Refused(400, 'INVALID_PARAMETER_VALUE', 'A batch logging request can contain at most ...');
        for (const { key } of [...body.metrics, ...body.params, ...body.tags])
          if (!/^[\w\-. :/]{1,250}$/.test(key))
            throw new Refused(400, 'INVALID_PARAMETER_VALUE', `Invalid name: ${key}`);
        for (const { key, value } of body.params) {
          if ((run.params.get(key) ?? value) !== value)
            throw new Refused(400, 'INVALID_PARAMETER_VALUE', `Changing param values is not allowed: ${key}`);
          run.params.set(key, value);
        }
        for (const { key, value } of body.tags) run.tags.set(key, value);
        for (const metric of body.metrics) {
          run.metrics.set(JSON.stringify(metric), metric);
        }
        return {};
      },
    ),
    'mlflow/runs/update': endpoint(
      z.strictObject({
        run_id: z.string(),
        status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
        end_time: z.number().int().optional(),
      }),
      (body) => {
        const run = this.found(body.run_id);
        run.status = body.status;
        if (body.end_time !== undefined) run.end = body.end_time;
        return { run_info: this.described(run.id).info };
      },
    ),
  };

  private found(id: string): StoredRun {
    const run = this.runs.get(id);
    if (run === undefined) throw new Refused(404, 'RESOURCE_DOES_NOT_EXIST', `Run with id=${id} not found`);
    return run;
  }

  private described(id: string) {
    const { experiment, status } = this.found(id);
    return { info: { run_id: id, status, artifact_uri: `mlflow-artifacts:/${experiment}/${id}/artifacts` } };
  }
}
