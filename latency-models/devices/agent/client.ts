import { abortedAfter } from '../../../base/deadline.js';
import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { makeDirectory } from '../../../base/files.js';
import { isLoopback, makeToken, readToken, withoutBrackets } from '../../../base/server.js';
import { DeviceUnavailable } from '../../device.js';
import type { AgentConfig } from '../../schema.js';
import {
  deviceSchema,
  errorSchema,
  fullStatus,
  paths,
  stateSchema,
  type MeasurementRequest,
  type MeasurementState,
} from './wire.js';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Timeout of one request, long enough for large models. */
const requestMs = 60_000;
/** Pauses between attempts, in ms; each is twice the one before. */
const [firstPause, longestPause] = [100, 2000];

interface Call<T> {
  readonly method?: string;
  readonly path: string;
  readonly body?: Uint8Array | object;
  readonly answer: z.ZodType<T>;
  /** Statuses that are answers, not errors. */
  readonly statuses?: Readonly<Record<number, T>>;
}

/**
 * A client of an agent. All requests are idempotent and repeated while the agent does not answer.
 * @throws NasError `invalid-input` for rejected requests; DeviceUnavailable without an answer for `patience_s`.
 */
export class AgentClient {
  /** Reads the agent's own token at each request, as the agent may still be starting. */
  private readonly token: () => string | undefined;

  constructor(
    private readonly config: AgentConfig,
    private readonly signal?: AbortSignal,
  ) {
    const given = config.token_file === undefined ? undefined : readToken(config.token_file);
    this.token = () => given ?? ownToken(config.url);
  }

  device(): Promise<z.output<typeof deviceSchema>> {
    return this.call({ path: paths.device, answer: deviceSchema });
  }

  async upload(model: Uint8Array): Promise<void> {
    await this.call({ method: 'PUT', path: paths.model(sha256(model)), body: model, answer: z.unknown() });
  }

  /** @returns `missing` when the agent does not have the models. */
  request(request: MeasurementRequest): Promise<MeasurementState | 'missing'> {
    return this.call<MeasurementState | 'missing'>({
      method: 'POST',
      path: paths.measurements,
      body: request,
      answer: stateSchema,
      statuses: { 422: 'missing' },
    });
  }

  /** A measurement that the agent does not know is `lost`. */
  state(id: string): Promise<MeasurementState> {
    return this.call({ path: paths.measurement(id), answer: stateSchema, statuses: { 404: { state: 'lost' } } });
  }

  /** Ignores an agent that does not answer. */
  async cancel(id: string): Promise<void> {
    await fetch(new URL(paths.measurement(id), this.config.url), {
      method: 'DELETE',
      headers: headersFor(this.token()),
      signal: AbortSignal.timeout(longestPause),
    }).catch(() => undefined);
  }

  private async call<T>(call: Call<T>): Promise<T> {
    const { url, patience_s } = this.config;
    const giveUp = Date.now() + 1000 * patience_s;
    for (let pause = firstPause; ; pause = Math.min(longestPause, 2 * pause)) {
      this.signal?.throwIfAborted();
      try {
        const token = this.token();
        const response = await this.send(call, token);
        if (response.status === 401 && this.token() !== token) throw new Error('it was restarted, with a new token');
        const known = call.statuses?.[response.status];
        if (known !== undefined) return known;
        // Its queue is full, or it (or a proxy) is starting.
        if (response.status < 500 && response.status !== 429) return await this.answer(response, call);
        const reason = await refusalOf(response);
        if (response.status === fullStatus) throw new DeviceUnavailable(`the agent at ${url} has no room: ${reason}`);
        throw new Error(`it answers with status ${response.status}: ${reason}`);
      } catch (cause) {
        this.signal?.throwIfAborted();
        if (!isTransient(cause)) throw cause;
        if (Date.now() + pause > giveUp)
          throw new DeviceUnavailable(`the agent at ${url} has not answered for ${patience_s} s: ${reason(cause)}`, {
            hint: 'Start it there with nas agent, and check the address; the network may need a while.',
            cause,
          });
      }
      await sleep(pause, undefined, { signal: this.signal }).catch(() => this.signal?.throwIfAborted());
    }
  }

  private send({ method = 'GET', path, body }: Call<unknown>, token: string | undefined): Promise<Response> {
    const isBinary = body instanceof Uint8Array;
    const type = isBinary ? 'application/octet-stream' : 'application/json';
    const signals = [abortedAfter(requestMs), ...(this.signal === undefined ? [] : [this.signal])];
    return fetch(new URL(path, this.config.url), {
      method,
      headers: { ...headersFor(token), ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: isBinary ? Buffer.from(body) : JSON.stringify(body) }),
      signal: AbortSignal.any(signals),
    });
  }

  private async answer<T>(response: Response, { answer }: Call<T>): Promise<T> {
    const text = await response.text();
    const { url } = this.config;
    if (response.status === 401)
      throw invalidInput(`the agent at ${url} does not accept the token`, {
        hint: 'token_file must name a file with the token that nas agent was started with; without one, it says where its own lies.',
      });
    let body: unknown;
    try {
      body = text === '' ? {} : JSON.parse(text);
    } catch {
      throw invalidInput(`${url} does not answer like an agent`, { hint: 'Check the address and the port.' });
    }
    if (!response.ok) {
      const { error } = errorSchema.safeParse(body).data ?? { error: { message: `status ${response.status}` } };
      throw invalidInput(
        `the agent at ${url} refuses: ${error.message}`,
        error.hint === undefined ? {} : { hint: error.hint },
      );
    }
    const parsed = answer.safeParse(body);
    if (parsed.success) return parsed.data;
    throw invalidInput(`${url} does not answer like an agent: ${z.prettifyError(parsed.error)}`, {
      hint: 'Use the same version of nas on both sides.',
    });
  }
}

const headersFor = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** The agent's reason for a rejection, or the beginning of the response. */
const refusalOf = async (response: Response): Promise<string> => {
  const text = await response.text();
  try {
    return errorSchema.parse(JSON.parse(text)).error.message;
  } catch {
    return text.slice(0, 200);
  }
};

/** Errors of the network (fetch has no class for them) and temporary answers; NasErrors are final. */
const isTransient = (error: unknown): boolean =>
  error instanceof TypeError ||
  (error instanceof DOMException && error.name === 'TimeoutError') ||
  (error instanceof Error && error.constructor === Error);

/** The reason of a network error, which fetch hides in `cause`. */
const reason = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);

/** The token file of an agent that was started without a token, in the user's state folder. */
export function ownTokenFile(port: number): string {
  const variable = process.env['XDG_STATE_HOME'] ?? '';
  return join(variable === '' ? join(homedir(), '.local', 'state') : variable, 'nas', 'agents', `${port}.token`);
}

/**
 * Writes a new token into a file that only its user can read. Each start has its own: a program that takes the port of an agent
 * which has ended receives the requests of its clients, but no token that any agent accepts.
 */
export function newToken(file: string): string {
  makeDirectory(dirname(file));
  const temporary = `${file}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  const token = makeToken();
  writeFileSync(temporary, `${token}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, file);
  return token;
}

/** The token of an agent on this machine that this user started without one; undefined when there is none. */
function ownToken(url: string): string | undefined {
  const { hostname, port, protocol } = new URL(url);
  const file = ownTokenFile(port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
  return isLoopback(withoutBrackets(hostname)) && existsSync(file) ? readToken(file) : undefined;
}
