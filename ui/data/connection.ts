import type { Address, Answers, ErrorAnswer, Queries, Streams } from '../../experiments/page/api.js';

/** The parts of an address that stand for something: `run` and `trial` of `/api/runs/:run/trials/:trial`. */
export type Parameters<A extends string> = A extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string | number> & Parameters<Rest>
  : A extends `${string}:${infer Name}`
    ? Record<Name, string | number>
    : unknown;

type QueryValue = string | number | readonly (string | number)[] | undefined;

/** An address with its parts and its question filled in. */
export function addressOf<A extends Address | keyof Streams>(
  address: A,
  parameters: Parameters<A>,
  query: Readonly<Record<string, QueryValue>> = {},
): string {
  const values = parameters as Readonly<Record<string, string | number>>;
  const path = address.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name]));
  const asked = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => (each === undefined ? [] : [[name, String(each)]])),
  );
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString()}`;
}

/** What the server said instead of an answer. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    { message, hint }: ErrorAnswer['error'],
  ) {
    super(hint === undefined ? message : `${message} ${hint}`);
  }
}

/** Asks the server. @throws Refused when it has no answer; TypeError when it cannot be reached. */
export async function get<A extends Address>(
  address: A,
  parameters: Parameters<A>,
  query?: Queries[A],
  signal?: AbortSignal,
): Promise<Answers[A]> {
  const url = addressOf(address, parameters, query);
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (response.ok) return (await response.json()) as Answers[A];
  const refusal = (await response.json().catch(() => null)) as ErrorAnswer | null;
  throw new Refused(response.status, refusal?.error ?? { message: `The server answered ${response.status}.` });
}

/** Listens to a stream until it is closed; the browser connects again by itself when the connection breaks. */
export function listen<A extends keyof Streams>(
  address: A,
  parameters: Parameters<A>,
  query: Readonly<Record<string, QueryValue>>,
  handlers: { readonly [E in keyof Streams[A]]: (data: Streams[A][E]) => void } & {
    /** Told whenever the connection is lost or there again. */
    readonly connected: (connected: boolean) => void;
  },
): () => void {
  const source = new EventSource(addressOf(address, parameters, query));
  const { connected, ...messages } = handlers;
  source.addEventListener('open', () => connected(true));
  source.addEventListener('error', () => connected(false));
  for (const [event, handle] of Object.entries(messages))
    source.addEventListener(event, ({ data }: MessageEvent<string>) =>
      // What the server sends under this name is of the type that `Streams` says.
      (handle as (data: unknown) => void)(JSON.parse(data)),
    );
  return () => source.close();
}
