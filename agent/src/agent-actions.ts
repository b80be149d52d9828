import { checksFor } from './collect/collectors.js';
import { orAborted } from './collect/deadline.js';
import type { Scheduler } from './collect/scheduler.js';
import type { Slots } from './collect/slots.js';
import type { CommandActions } from './control/commands.js';
import type { ConfigKeeper } from './control/config-keeper.js';
import type { CheckTarget, Clock, Logger } from './model.js';
import type { Outbox } from './outbox/outbox.js';
import type { Recorder } from './recorder.js';
import type { Spool } from './spool/spool.js';

export interface ActionDeps {
  readonly spool: Spool;
  readonly outbox: Outbox;
  readonly recorder: Recorder;
  readonly scheduler: Scheduler;
  readonly keeper: ConfigKeeper;
  readonly renewCollectors: () => void;
  /** The collectors' own: checks by command are among those that run at once. */
  readonly slots: Slots;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the commands do. Checks out of turn are told to who asked and are not stored: samples keep to their interval. */
export function agentActions(deps: ActionDeps): CommandActions {
  const { spool, outbox, recorder, scheduler, keeper, slots, clock, logger } = deps;

  async function check(targets: readonly CheckTarget[], signal: AbortSignal): Promise<object> {
    const nowMs = clock.nowMs();
    const found = await Promise.all(checksFor(targets, { slots, logger }).map((collector) => collector.collect(nowMs, signal)));
    return found.flat().map(({ name, value, unit, tags }) => ({ name, value, unit, tags }));
  }

  function status(): object {
    const { rss } = process.memoryUsage();
    return {
      agent_id: spool.agentId,
      version: deps.version,
      uptime_s: Math.round(process.uptime()),
      rss_bytes: rss,
      config_version: keeper.version,
      spool: { batches: spool.entries.length, bytes: spool.bytes, dropped: spool.dropped?.count ?? 0, problem: spool.problem },
      delivery: outbox.stats,
      collectors: scheduler.state(),
    };
  }

  return {
    pingNow: check,
    runCheck: (target, signal) => check([target], signal),
    reportStatus: () => Promise.resolve(status()),
    flush: async (signal) => {
      await orAborted(
        recorder.flush().then(() => outbox.idle()),
        signal,
      );
      return { waiting_batches: spool.entries.length };
    },
    restartCollectors: () => {
      deps.renewCollectors();
      return Promise.resolve({ collectors: scheduler.state().map(({ name }) => name) });
    },
  };
}
