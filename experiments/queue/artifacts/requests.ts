import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { messageOf } from '../../../base/errors.js';
import { Unreachable } from './failures.js';

/** How a worker reaches the coordinator's server of files. */
export interface HttpAddress {
  readonly url: string;
  readonly token: string;
}

export interface Exchange {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  /** Below the server's address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** What is sent. */
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/** Connections to a server, kept open between requests. */
export class Connections {
  private readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  /** @param silenceMs a connection on which nothing comes and goes for so long is given up */
  constructor(private readonly silenceMs: number) {
    const options = { keepAlive: true, keepAliveMsecs: 10_000, timeout: silenceMs };
    this.agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  }

  /**
   * Sends a request; the caller reads the answer's body, or destroys it.
   * @throws Unreachable when the connection fails before there is an answer
   */
  async send({ url, token }: HttpAddress, exchange: Exchange): Promise<IncomingMessage> {
    const { method, path, headers = {}, body, signal } = exchange;
    const target = new URL(url.replace(/\/+$/, '') + path);
    const isSecure = target.protocol === 'https:';
    const options: RequestOptions = {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      agent: isSecure ? this.agents.https : this.agents.http,
      ...(signal && { signal }),
    };
    const request = isSecure ? requestHttps(target, options) : requestHttp(target, options);
    request.setTimeout(this.silenceMs, () =>
      request.destroy(new Error(`nothing came or went for ${this.silenceMs / 1000} s`)),
    );
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', (error) => reject(unreachable(url, error)));
      request.once('close', () => reject(unreachable(url, new Error('the connection was closed'))));
    });
    if (body === undefined) {
      request.end();
      return await answer;
    }
    const sent = sendBody(request, body, answer).catch((error: unknown) => {
      request.destroy(error instanceof Error ? error : new Error(String(error)));
      return false;
    });
    try {
      const response = await answer;
      // Who has answered before everything was sent does not want the rest.
      if (!(await sent)) response.once('close', () => request.destroy());
      return response;
    } finally {
      await sent;
    }
  }

  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }
}

/** Sends until all is sent, or an answer tells that no more is wanted; returns whether all was. */
async function sendBody(
  request: ClientRequest,
  body: AsyncIterable<Uint8Array>,
  answer: Promise<unknown>,
): Promise<boolean> {
  const told = { answer: false };
  const stop = answer.then(
    () => (told.answer = true),
    () => (told.answer = true),
  );
  for await (const chunk of body) {
    if (told.answer) return false;
    if (!request.write(chunk)) await Promise.race([new Promise((resolve) => request.once('drain', resolve)), stop]);
  }
  if (told.answer) return false;
  request.end();
  return true;
}

const unreachable = (url: string, error: Error): Unreachable =>
  new Unreachable(`${new URL(url).host}: ${messageOf(error)}`, { cause: error });
