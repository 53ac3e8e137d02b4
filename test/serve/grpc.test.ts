/** The Open Inference Protocol over gRPC, by a client that is made from the proto file. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { credentials, loadPackageDefinition, Metadata, type Client } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerOptions } from '../../serve/start-server.js';
import { temporaryFolder } from '../support/temporary.js';
import { greyNetworks, pixelsOf, writeFrontier } from './models.js';
import { outputsOf } from './reference.js';
import { started } from './started.js';

type Answer = Readonly<Record<string, unknown>>;
type Method = (
  request: object,
  metadata: Metadata,
  options: object,
  done: (error: Error | null, answer: Answer) => void,
) => void;

const definition = loadPackageDefinition(
  loadSync('serve/grpc/open-inference.proto', { keepCase: true, longs: Number }),
);

/** `5: there is no model`. */
const told = ({ message }: Error): string => message.replace(/^(\d+) [A-Z_]+: /, '$1: ');

async function start(options: Partial<ServerOptions> = {}) {
  const folder = temporaryFolder();
  const { models } = writeFrontier(folder, greyNetworks.slice(0, 2));
  const server = await started(folder, { grpcPort: 0, maxBatch: 4, ...options });
  const { GRPCInferenceService: Service } = definition.inference as Record<string, new (...args: unknown[]) => Client>;
  const client = new Service(`127.0.0.1:${server.grpcPort}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  /** The answer, or the code and the details of an error. */
  const call = (
    method: string,
    request: object,
    headers: Record<string, string> = {},
    options: object = {},
  ): Promise<unknown> =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const send = (client as unknown as Record<string, Method>)[method].bind(client);
      send(request, metadata, options, (error, answer) => resolve(error === null ? answer : told(error)));
    });
  return { server, call, model: models[0] };
}

const pixels = pixelsOf([28, 28, 1], 1);
const input = { name: 'image', datatype: 'UINT8', shape: [1, 28, 28, 1] };
const request = { model_name: 'trial-1', id: 'a', inputs: [input], raw_input_contents: [pixels] };

describe('gRPC', () => {
  it('answers what the protocol has', async () => {
    const { server, call, model } = await start();
    expect(await call('ServerLive', {})).toEqual({ live: true });
    expect(await call('ServerReady', {})).toEqual({ ready: true });
    expect(await call('ModelReady', { name: 'trial-1', version: '1' })).toEqual({ ready: true });
    expect(await call('ServerMetadata', {})).toMatchObject({ name: 'nas' });
    expect(await call('ModelMetadata', { name: 'trial-1' })).toMatchObject({
      versions: ['1'],
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 28, 28, 1] }],
    });
    const answer = (await call('ModelInfer', request)) as { raw_output_contents: Buffer[] };
    expect(answer).toMatchObject({
      model_name: 'trial-1',
      model_version: '1',
      id: 'a',
      outputs: [{ datatype: 'FP32', shape: [1, 3] }],
    });
    const bytes = Uint8Array.from(answer.raw_output_contents[0]);
    expect([...new Float32Array(bytes.buffer)]).toEqual([...(await outputsOf(model, pixels))]);
    const contents = { uint_contents: [...pixels] };
    const spelled = await call('ModelInfer', { ...request, raw_input_contents: [], inputs: [{ ...input, contents }] });
    expect(spelled).toMatchObject({ raw_output_contents: answer.raw_output_contents });
    const text = await (await fetch(`${server.address}/metrics`)).text();
    expect(text).toContain('nas_requests_total{route="/inference.GRPCInferenceService/ModelInfer",status="200"} 2');
  });

  it('refuses by name what is wrong or not supported', async () => {
    const { call } = await start();
    const infer = (change: object, headers = {}) => call('ModelInfer', { ...request, ...change }, headers);
    expect(await infer({ model_name: 'trial-9' })).toMatch(/^5: there is no model/);
    expect(await infer({ model_version: '7' })).toMatch(/^5: there is no version "7"/);
    expect(await call('ModelReady', { name: 'trial-9' })).toMatch(/^5: /);
    expect(await infer({ parameters: { sequence_id: { int64_param: 3 } } })).toMatch(
      /^3: "sequence_id" .* is not supported/,
    );
    expect(await infer({ raw_input_contents: [pixels.subarray(1)] })).toMatch(/^3: .*783 bytes/);
    expect(await infer({}, { 'x-budget-ms': '-1' })).toMatch(/^3: x-budget-ms is/);
    expect(await infer({ inputs: new Array(200_000).fill({}) })).toMatch(/^8: the message has more than/);
    expect(await infer({ raw_input_contents: [Buffer.alloc(5 << 20)] })).toMatch(/^8: /);
    expect(await infer({})).toMatchObject({ model_name: 'trial-1' });
  });

  it('wants the token, and refuses what memory cannot hold', async () => {
    const { call } = await start({ token: 'a-token-of-the-server', memoryBytes: 1 << 22 });
    expect(await call('ServerLive', {})).toEqual({ live: true });
    expect(await call('ModelInfer', request)).toMatch(/^16: /);
    expect(await call('ModelInfer', request, { authorization: 'bearer a-token-of-the-server' })).toMatch(
      /^14: bodies have reached/,
    );
  });

  it('ends what a client leaves, and closes with clients connected', async () => {
    const { server, call } = await start();
    await call('ServerLive', {});
    const socket = connect(server.grpcPort ?? 0, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('no HTTP/2');
    await once(socket.resume(), 'close');
    expect(await call('ModelInfer', request, {}, { deadline: Date.now() - 1 })).toMatch(/^4: /);
    await server.close();
    expect(await call('ServerLive', {}, {}, { deadline: Date.now() + 500 })).toMatch(/^(4|14): /);
  });
});
