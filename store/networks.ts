import type { Connection } from './connection.js';
import { json } from './values.js';

/** Descriptions of networks, each kept once, by the id of the genotype that means it. */
export class Networks {
  private readonly insert;
  private readonly select;

  constructor(private readonly connection: Connection) {
    this.insert = connection.prepare(
      'INSERT INTO networks (genotype_id, network) VALUES ($genotypeId, $network) ON CONFLICT DO NOTHING',
    );
    this.select = connection.prepare<{ network: string }>(
      'SELECT network FROM networks WHERE genotype_id = $genotypeId',
    );
  }

  /** Keeps a network; the first description under an id stays. */
  add(genotypeId: string, network: unknown): void {
    const text = json(network, `network ${genotypeId}`);
    this.connection.write(() => this.insert.run({ genotypeId, network: text }));
  }

  /** The description as plain data, or undefined when this network was neither asked nor measured. */
  get(genotypeId: string): unknown {
    const row = this.connection.read(() => this.select.get({ genotypeId }));
    return row === undefined ? undefined : this.connection.parse(row.network);
  }
}
