import { request } from 'node:http';
import { expect } from 'vitest';

/** Bodies: none; one whose announced length never arrives; and nested brackets in many small pieces, without an end. */
export type BodyKind = 'none' | 'claimed' | 'pieces';

export interface Knock {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly body: BodyKind;
  readonly token: string | null;
}

export interface Answer extends Knock {
  readonly status: number;
  readonly text: string;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'];
/** Content types that a server here reads; others are refused before the body. */
const readTypes = ['application/json', 'application/octet-stream'];
const types = [...readTypes, 'text/plain', 'multipart/form-data; boundary=b'];

/** Longest time of the event loop that one request may take, in ms of the processor. */
const mostCpuMs = 200;

/** More than any server here accepts as JSON. */
const pieces = Array.from({ length: 60 }, () => '['.repeat(8192));

/** Sends one request over a connection of its own, and waits for the answer, not for the end of the body. */
export function knock(address: string, asked: Knock): Promise<Answer> {
  const { method, path, type, body, token } = asked;
  return new Promise((resolve, reject) => {
    const sent = request(new URL(address), {
      method,
      path,
      agent: false,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== 'none' && { 'content-type': type }),
        ...(body === 'claimed' && { 'content-length': 2 ** 30 }),
        ...(body === 'pieces' && { 'transfer-encoding': 'chunked' }),
      },
    });
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      const end = (): void => {
        sent.destroy();
        resolve({ ...asked, status: response.statusCode ?? 0, text });
      };
      response.on('data', (chunk: string) => {
        text += chunk;
        if (response.headers['content-type'] === 'text/event-stream') end();
      });
      response.on('end', end);
      response.on('error', end);
    });
    sent.on('error', reject);
    if (body === 'none') sent.end();
    else if (body === 'claimed') sent.write('[[');
    else {
      const write = (left: readonly string[]): void => {
        if (!sent.destroyed && left.length > 0) sent.write(left[0], () => write(left.slice(1)));
      };
      write(pieces);
    }
  });
}

interface Doors {
  readonly paths: readonly string[];
  readonly tokens: readonly (string | null)[];
  /** Methods with bodies: sent with each content type and kind of body. */
  readonly writing: readonly string[];
}

/** All combinations of paths, methods and tokens; of methods with bodies, also of content types and, if read, kinds of body. */
function everyKnock({ paths, tokens, writing }: Doors): Knock[] {
  const bodies = [
    ...types.map((type) => ({ type, body: 'claimed' as const })),
    ...readTypes.map((type) => ({ type, body: 'pieces' as const })),
  ];
  const bodiesOf = (method: string) => [
    { type: '', body: 'none' as const },
    ...(writing.includes(method) ? bodies : method === 'HEAD' ? [] : bodies.slice(0, 1)),
  ];
  return paths.flatMap((path) =>
    methods.flatMap((method) =>
      tokens.flatMap((token) => bodiesOf(method).map((body) => ({ ...body, method, path, token }))),
    ),
  );
}

/**
 * Knocks in every way, one after the other; each answer must come with an allowed status and without much work.
 * @param allowed null: not sent, since the server waits for the body
 */
export async function knockEverywhere(
  address: string,
  doors: Doors,
  allowed: (asked: Knock) => readonly number[] | null,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const asked of everyKnock(doors)) {
    const statuses = allowed(asked);
    if (statuses === null) continue;
    const before = process.cpuUsage();
    const answer = await knock(address, asked);
    const { user, system } = process.cpuUsage(before);
    expect([asked, statuses.includes(answer.status) ? statuses : answer.status]).toEqual([asked, statuses]);
    expect([asked, (user + system) / 1000 < mostCpuMs]).toEqual([asked, true]);
    answers.push(answer);
  }
  return answers;
}
