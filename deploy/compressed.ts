/** Files beside which their compressed forms lie, as servers of static files look for them: `model.onnx.br`, `model.onnx.gz`. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { writeFileAtomic } from '../base/files.js';

/** Brotli's best takes seconds a megabyte; beyond 4 MiB a quality that is 3 % larger and ten times as fast has to do. */
const large = { bytes: 4 * 2 ** 20, quality: 6 };

/** Writes a file, and what `Content-Encoding: br` and `gzip` send of it. */
export async function writeCompressed(path: string, content: Uint8Array): Promise<void> {
  const quality = content.byteLength > large.bytes ? large.quality : constants.BROTLI_MAX_QUALITY;
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
      },
    }),
    promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  writeFileAtomic(path, content);
  writeFileAtomic(`${path}.br`, br);
  writeFileAtomic(`${path}.gz`, gz);
}
