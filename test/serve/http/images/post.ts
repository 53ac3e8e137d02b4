/** Sends an image, a form of images or something else to a route. */
export const sendImage = (
  url: string,
  body: Uint8Array | FormData | string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'x-budget-ms': '60000', ...headers },
    ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : body }),
  });

/** Status and JSON of an answer. */
export interface Answered<T> {
  readonly status: number;
  readonly body: T;
}

export async function postImage(...sent: Parameters<typeof sendImage>): Promise<Answered<unknown>> {
  const response = await sendImage(...sent);
  return { status: response.status, body: await response.json() };
}

export function formOf(...files: readonly Uint8Array[]): FormData {
  const form = new FormData();
  for (const [i, file] of files.entries()) form.append('image', new Blob([new Uint8Array(file)]), `${i}`);
  return form;
}
