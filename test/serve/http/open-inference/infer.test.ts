import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../support/temporary.js';
import { pixelsOf, writeFrontier } from '../../models.js';
import { checkable, checkablePool, serviceOf, testServer } from '../server.js';

const size = [28, 28, 1] as const;

/** A request with bytes after its JSON, and the headers that say so. */
function binary(
  request: object,
  bytes: Uint8Array,
): { readonly method: string; readonly body: Uint8Array<ArrayBuffer>; readonly headers: Record<string, string> } {
  const json = Buffer.from(JSON.stringify(request));
  return {
    method: 'POST',
    body: Buffer.concat([json, bytes]),
    headers: { 'inference-header-content-length': `${json.length}`, 'content-type': 'application/octet-stream' },
  };
}

const start = (): Promise<string> => testServer(serviceOf(checkablePool(writeFrontier(temporaryFolder()))));

describe('inference', () => {
  it('takes pixels as bytes and gives numbers in JSON', async () => {
    const url = await start();
    const pixels = pixelsOf(size, 1);
    const inputs = [{ name: 'image', shape: [1, ...size], datatype: 'UINT8', parameters: { binary_data_size: 784 } }];
    const answer = await fetch(`${url}/v2/models/frontier/infer`, binary({ id: 'a', inputs }, pixels));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      model_name: 'frontier',
      model_version: '1',
      id: 'a',
      parameters: { network: 'trial-1', accuracy: 0.6, queued_ms: 0.25, computed_ms: 1.5, batch: 1 },
      outputs: [
        {
          name: 'outputs',
          datatype: 'FP32',
          shape: [1, 3],
          data: [...checkable({ kind: 'pixels', data: pixels })],
        },
      ],
    });
  });
});
