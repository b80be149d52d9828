import type { Db } from '../open.js';
import { ActivityRows } from '../rows/activity-rows.js';
import { AgentRows } from '../rows/agent-rows.js';
import { createAlertWriterOps } from '../rows/alerts/alert-ops.js';
import { CommandRows } from '../rows/command-rows.js';
import { ConfigRows } from '../rows/config-rows.js';
import { TargetRows } from '../rows/target-rows.js';
import { BatchAppender } from './append-batch.js';
import { Eraser } from './eraser.js';
import { FoldCommitter } from './fold-committer.js';
import { GapRecorder } from './gap-recorder.js';
import { LogIds } from './log-ids.js';

/**
 * Everything that writes, by name: what the main thread may ask of the writer thread. Each runs inside the group's
 * transaction and keeps nothing in memory that a rollback would have to undo (an id of the log that was not used is no loss).
 */
export function createWriterOps(db: Db, settings: { readonly maxSeriesPerAgent: number }) {
  const ids = new LogIds(db);
  const gaps = new GapRecorder(db);
  const batches = new BatchAppender(db, ids, gaps, settings.maxSeriesPerAgent);
  const folds = new FoldCommitter(db);
  const agents = new AgentRows(db);
  const configs = new ConfigRows(db);
  const targets = new TargetRows(db);
  const commands = new CommandRows(db);
  const activities = new ActivityRows(db);
  const eraser = new Eraser(db);
  const probe = db.prepare('UPDATE probes SET at_ms = ? WHERE id = 1');
  /** An operation that deletes rows of the log. */
  const deleting =
    <A extends unknown[], R>(operation: (...args: A) => R) =>
    (...args: A): R => {
      ids.remember();
      return operation(...args);
    };
  return {
    append: batches.append.bind(batches),
    commitFold: deleting(folds.commit.bind(folds)),
    upsertAgent: agents.upsert.bind(agents),
    recordAgentActivity: agents.recordActivity.bind(agents),
    recordDropped: gaps.dropped.bind(gaps),
    purgeGaps: gaps.purge.bind(gaps),
    removeAgent: agents.remove.bind(agents),
    eraseDeleted: deleting(eraser.eraseDeleted.bind(eraser)),
    purge: deleting(eraser.purge.bind(eraser)),
    putConfig: configs.put.bind(configs),
    bumpConfigs: configs.bump.bind(configs),
    recordConfigStatus: configs.recordStatus.bind(configs),
    createTarget: targets.create.bind(targets),
    updateTarget: targets.update.bind(targets),
    removeTarget: targets.remove.bind(targets),
    createCommand: commands.create.bind(commands),
    completeCommand: commands.complete.bind(commands),
    recordActivities: activities.record.bind(activities),
    ...createAlertWriterOps(db),
    probe(nowMs: number): void {
      probe.run(nowMs);
    },
  };
}

export type WriterOps = ReturnType<typeof createWriterOps>;
