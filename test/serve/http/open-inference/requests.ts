/** Requests of the Open Inference Protocol in the form that clients send. */

export interface Sent {
  readonly method: 'POST';
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly headers: Readonly<Record<string, string>>;
}

export const inJson = (request: object): Sent => ({
  method: 'POST',
  body: JSON.stringify(request),
  headers: { 'content-type': 'application/json', 'x-budget-ms': '60000' },
});

export function inBytes(request: object, tensor: Uint8Array): Sent {
  const json = Buffer.from(JSON.stringify(request));
  return {
    method: 'POST',
    body: Buffer.concat([json, tensor]),
    headers: { 'inference-header-content-length': `${json.length}`, 'content-type': 'application/octet-stream' },
  };
}

/** Little-endian bytes of floats. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The JSON of an answer, and the numbers of its output, from the JSON or the bytes after it. */
export async function readAnswer(answer: Response): Promise<{
  readonly json: Readonly<Record<string, unknown>>;
  readonly numbers: readonly number[];
}> {
  const body = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get('inference-header-content-length') ?? body.length);
  const json = JSON.parse(body.toString('utf8', 0, length)) as {
    readonly outputs: readonly [
      { readonly data?: readonly number[]; readonly parameters?: { binary_data_size: number } },
    ];
  };
  const [{ data, parameters }] = json.outputs;
  if (data !== undefined) return { json, numbers: data };
  const bytes = body.subarray(length);
  if (bytes.length !== parameters?.binary_data_size) throw new Error('the bytes are not as many as the answer says');
  return { json, numbers: [...new Float32Array(Uint8Array.from(bytes).buffer)] };
}
