import type { Db } from '../open.js';
import type { Fold } from '../units/folder.js';
import { UnitRows } from '../units/unit-rows.js';

/** Puts folded units in the place of their sources. */
export class FoldCommitter {
  private readonly units;
  private readonly findAgent;
  private readonly findBatch;
  private readonly deleteBatch;

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.findAgent = db.prepare<[number], number>('SELECT 1 FROM agents WHERE agent_key = ?').pluck();
    this.findBatch = db.prepare<[number, number], number>('SELECT 1 FROM metric_batches WHERE id = ? AND agent_key = ?').pluck();
    this.deleteBatch = db.prepare('DELETE FROM metric_batches WHERE id = ?');
  }

  /**
   * Rows and units never change, so sources that are all there are the ones that were read. Should one be missing
   * (the agent was deleted, retention was quicker) nothing is done, and the next plan sees what there is.
   *
   * Rejected: an error, which would take back the whole group of calls and make a transaction of each.
   * @returns whether the fold was still up to date
   */
  commit({ job, units }: Fold): boolean {
    const { agentKey, batchIds, unitIds, rollupIds } = job;
    const oldUnits = [...unitIds, ...rollupIds];
    if (this.findAgent.get(agentKey) === undefined) return false;
    if (batchIds.some((id) => this.findBatch.get(id, agentKey) === undefined)) return false;
    if (oldUnits.some((id) => !this.units.has(id, agentKey))) return false;
    for (const id of batchIds) this.deleteBatch.run(id);
    for (const id of oldUnits) this.units.remove(id, agentKey);
    for (const unit of units) this.units.insert(agentKey, unit);
    return true;
  }
}
