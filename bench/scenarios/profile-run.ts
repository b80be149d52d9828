/** The reference closed loop with the server under `node --cpu-prof`, and where its threads spent their time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from '../bench-context.js';
import { readProfiles, type ThreadProfile } from '../profile.js';
import { closedLoop, type ClosedLoopResult, REFERENCE_SHAPE } from './closed-loop.js';

export interface ProfileResult {
  readonly run: ClosedLoopResult;
  readonly threads: readonly ThreadProfile[];
}

export async function profileRun(context: BenchContext, root: string): Promise<ProfileResult> {
  const dir = await mkdtemp(join(context.options.dir, 'ccv-bench-profile-'));
  return context.owning(
    () => rm(dir, { recursive: true, force: true }),
    async () => {
      const run = await closedLoop(context, REFERENCE_SHAPE, ['--cpu-prof', `--cpu-prof-dir=${dir}`]);
      const threads = readProfiles(dir, run.window, root);
      if (threads.length === 0) throw new Error('the server left no profile behind');
      return { run, threads };
    },
  );
}
