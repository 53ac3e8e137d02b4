/** The first attack on the server, over real sockets: a form of large images, while another client sends small ones. */
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/temporary.js';
import { picture } from './pictures.js';
import { greyNetworks, writeFrontier } from '../models.js';
import { started } from '../started.js';
import { largeForm } from '../../attacks/serve.js';

it('leaves the server to the other client', async () => {
  const folder = temporaryFolder();
  writeFrontier(folder, greyNetworks.slice(0, 1));
  const server = await started(folder, { workers: 1, decoders: 2, maxQueue: 256, maxBatch: 4 });
  const send = (localAddress: string, body: Uint8Array, headers: Record<string, string>) => {
    const sent = request(`${server.address}/v1/classify`, { method: 'POST', localAddress, headers });
    sent.on('error', () => undefined).end(body);
    return sent;
  };
  const form = await largeForm();
  let isAnswered = false;
  const attack = send('127.0.0.2', form, { 'content-type': 'multipart/form-data; boundary=x', 'x-budget-ms': '60000' });
  attack.on('response', (response) => {
    isAnswered = true;
    response.resume();
  });
  const waiting = async () =>
    Number(/^nas_decode_queue_depth (\d+)/m.exec(await server.metrics.registry.metrics())?.[1]);
  await expect.poll(waiting).toBeGreaterThan(0);
  const image = await picture({ width: 28, height: 28, channels: 1 }).png().toBuffer();
  for (let i = 0; i < 20; i++) {
    const [response] = (await once(send('127.0.0.1', image, { 'content-type': 'image/png' }), 'response')) as [
      { statusCode: number; resume: () => void },
    ];
    response.resume();
    expect(response.statusCode).toBe(200);
  }
  // The small images did not wait for the large ones.
  expect(isAnswered).toBe(false);
  attack.destroy();
});
