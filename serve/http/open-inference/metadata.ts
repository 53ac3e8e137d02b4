import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../../base/server.js';
import { nasVersion } from '../../../base/modules.js';
import type { PooledModel } from '../../inference/pool.js';
import type { IndexEntry } from '../../model-states.js';
import type { Service } from '../../service.js';
import type { RouteContext } from '../context.js';
import { schemas } from './schemas.js';
import { allServed, servedAs, type Served } from '../served.js';
import { extensions, inputNames, modelPaths, toThousandths, type Named } from '../wire.js';

/** Our description of a network, beyond the protocol. */
const describe = ({ model, maxBatch, ms }: PooledModel) => ({
  name: model.name,
  version: String(model.version),
  accuracy: model.accuracy,
  precision: model.precision,
  sha256: model.sha256,
  bytes: model.bytes,
  max_batch: maxBatch,
  ms: toThousandths(ms(1)),
});

/** The tensors that a model accepts, the graph's own first; a request has one of them. */
const tensorsOf = ({ only, values, pixels }: Served) => [
  ...(values === null ? [] : [{ name: only?.input ?? inputNames.values, datatype: 'FP32', shape: [-1, ...values] }]),
  ...(pixels === null ? [] : [{ name: inputNames.pixels, datatype: 'UINT8', shape: [-1, ...pixels] }]),
];

/** Metadata of a model for the protocol, and the networks that answer under its name. */
export function metadataOf(served: Served) {
  const { name, models, output, versions } = served;
  const tensors = tensorsOf(served);
  return {
    name,
    versions,
    platform: 'onnx_onnxv1',
    // Clients send all of `inputs`.
    inputs: tensors.slice(0, 1),
    alternative_inputs: tensors.slice(1),
    outputs: output.tensors.map(({ name: own, shape }) => ({
      name: own,
      datatype: 'FP32',
      shape: [-1, ...shape],
      parameters: { task: output.task, kind: output.kind },
    })),
    classes: output.classes,
    networks: models.map(describe),
  };
}

/** @throws Refusal 404 or 503 when a model cannot answer */
function refuseUnready(service: Service, name: string, version?: string): void {
  const isThis = (one: IndexEntry) => one.name === name && (version === undefined || String(one.version) === version);
  const entry = service.index().find(isThis);
  if (entry !== undefined && allServed(service.pool).get(name, version) === undefined)
    throw new Refusal(503, `the model ${name} is ${entry.state}: ${entry.reason}`);
  servedAs(service.pool, name, version);
  if (!service.isReady) throw new Refusal(503, 'the server accepts no new requests', 'It is shutting down.');
}

export function metadata(app: FastifyInstance, { service }: RouteContext): void {
  app.get('/v2', { schema: schemas.server }, (_, reply) =>
    reply.send({ name: 'nas', version: nasVersion(), extensions }),
  );

  const model = ({ params }: FastifyRequest<Named>, reply: FastifyReply): FastifyReply =>
    reply.send(metadataOf(servedAs(service.pool, params.name, params.version)));

  const ready = ({ params: { name, version } }: FastifyRequest<Named>, reply: FastifyReply): FastifyReply => {
    refuseUnready(service, name, version);
    return reply.send({ name, ready: true });
  };

  for (const path of modelPaths) {
    app.get<Named>(path, { schema: schemas.model }, model);
    app.get<Named>(`${path}/ready`, { schema: schemas.ready }, ready);
  }
}
