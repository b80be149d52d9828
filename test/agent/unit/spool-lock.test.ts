import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type LockOwner, SpoolLock, type SpoolLockOptions, thisProcess } from '../../../agent/src/spool/spool-lock.js';
import { projectRoot } from '../../helpers/project-root.js';

const FAST = { beatMs: 20, silenceMs: 300 };
const NOBODY = 4_194_304;

describe('SpoolLock', () => {
  let dir: string;
  const held: SpoolLock[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ccv-lock-'));
  });

  afterEach(async () => {
    for (const lock of held.splice(0)) await lock.release();
    await rm(dir, { recursive: true, force: true });
  });

  async function acquire(options: SpoolLockOptions = {}): Promise<void> {
    const lock = new SpoolLock(dir, options);
    await lock.acquire();
    held.push(lock);
  }

  const me = thisProcess();
  const path = (owner: LockOwner): string => join(dir, `lock.${owner.pid}.${owner.start}.${owner.realm}`);
  const leave = (owner: LockOwner): Promise<void> => writeFile(path(owner), '');
  const locks = (): Promise<string[]> => readdir(dir);

  test('one at a time, and the next one when it is released', async () => {
    await acquire();
    // This process, as another one sees it.
    const other = { owner: { pid: process.ppid, start: '1', realm: me.realm } };
    await expect(acquire(other)).rejects.toThrow(`the process ${process.pid} uses this spool already`);
    expect(await locks()).toHaveLength(1);
    await held.pop()?.release();
    expect(await locks()).toEqual([]);
    await acquire(other);
  });

  test.each([
    ['is gone', { ...me, pid: NOBODY }],
    ['is gone, and its number another one has', { ...me, start: '1' }],
  ])('a process that %s keeps nobody out', async (_, owner) => {
    await leave(owner);
    await acquire();
    expect(await locks()).toEqual([`lock.${me.pid}.${me.start}.${me.realm}`]);
  });

  test('of another system, or where starts are not told, those are alive that say so', async () => {
    const far = { ...me, pid: NOBODY, realm: 'abcdefabcdef' };
    await leave(far);
    await acquire(FAST);
    await held.pop()?.release();
    await acquire({ ...FAST, owner: far });
    await expect(acquire(FAST)).rejects.toThrow('uses this spool already');
    await held.pop()?.release();

    const untold = { ...me, pid: process.ppid, start: '' };
    await acquire({ ...FAST, owner: untold });
    await expect(acquire(FAST)).rejects.toThrow('uses this spool already');
    await held.pop()?.release();
    await leave(untold);
    await acquire(FAST);
  }, 20_000);

  test('of another system, what was not touched for long is not waited for', async () => {
    const far = { ...me, realm: 'abcdefabcdef' };
    await leave(far);
    const then = new Date(Date.now() - 60_000);
    await utimes(path(far), then, then);
    // With the default patience of half a minute.
    await acquire();
  }, 3_000);

  test('two that cannot see when the other started are not both let in', async () => {
    const owners = [1, 2, 3].map((n) => ({ pid: process.pid, start: '', realm: `abcdefabcde${n}` }));
    const results = await Promise.allSettled(owners.map((owner) => acquire({ ...FAST, owner })));
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  }, 20_000);

  test('of many that start at once exactly one gets it; when that is killed, the next one does', async () => {
    const script = `
      const { SpoolLock } = await import(${JSON.stringify(`file://${join(projectRoot, 'agent/dist/spool/spool-lock.js')}`)});
      try {
        await new SpoolLock(${JSON.stringify(dir)}).acquire();
        process.stdout.write('held');
        setInterval(() => undefined, 1_000);
      } catch {
        process.stdout.write('refused');
      }`;
    const start = () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const answer = new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString())));
      const gone = new Promise((resolve) => child.once('close', resolve));
      return { child, answer, gone };
    };
    for (let round = 0; round < 2; round++) {
      const starters = Array.from({ length: 6 }, start);
      const answers = await Promise.all(starters.map(({ answer }) => answer));
      expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
      for (const { child } of starters) child.kill('SIGKILL');
      await Promise.all(starters.map(({ gone }) => gone));
      expect(await locks()).toHaveLength(1);
    }
  }, 30_000);
});
