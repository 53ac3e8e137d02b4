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

/** @returns status and JSON of the answer */
export async function postImage<T>(...sent: Parameters<typeof sendImage>): Promise<{ status: number; body: T }> {
  const response = await sendImage(...sent);
  return { status: response.status, body: (await response.json()) as T };
}

export function formOf(...files: readonly Uint8Array[]): FormData {
  const form = new FormData();
  for (const [i, file] of files.entries()) form.append('image', new Blob([new Uint8Array(file)]), `${i}`);
  return form;
}
