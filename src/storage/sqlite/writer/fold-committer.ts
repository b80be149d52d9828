import { AppError } from '../../../model/errors.js';
import type { Db } from '../open.js';
import type { Fold } from '../units/folder.js';
import { UnitRows } from '../units/unit-rows.js';

/** Puts folded units in the place of their sources. */
export class FoldCommitter {
  private readonly units;
  private readonly findAgent;
  private readonly deleteBatch;

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.findAgent = db.prepare<[number], number>('SELECT 1 FROM agents WHERE agent_key = ?').pluck();
    this.deleteBatch = db.prepare('DELETE FROM metric_batches WHERE id = ? AND agent_key = ?');
  }

  /**
   * Rows and units never change, so sources that are all there are the ones that were read. Should one be missing
   * (the agent was deleted, retention was quicker) nothing may stay of the fold.
   * @throws AppError `conflict`: the transaction takes back what was deleted here, the next plan sees what there is
   */
  commit({ job, units }: Fold): void {
    const { agentKey, batchIds, unitIds, rollupIds } = job;
    if (this.findAgent.get(agentKey) === undefined) throw outdated('the agent was deleted');
    for (const id of batchIds) {
      if (this.deleteBatch.run(id, agentKey).changes === 0) throw outdated(`log row ${id} is gone`);
    }
    for (const id of [...unitIds, ...rollupIds]) {
      if (!this.units.remove(id, agentKey)) throw outdated(`unit ${id} is gone`);
    }
    for (const unit of units) this.units.insert(agentKey, unit);
  }
}

function outdated(why: string): AppError {
  return new AppError('conflict', `the fold is out of date: ${why}`);
}
