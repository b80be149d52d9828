/** The command-line tools as people run them: processes of their own, on a database a server wrote and folded in part. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { MIGRATIONS } from '../../src/storage/sqlite/migrations.js';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { batchOf, TestStorage } from '../helpers/storage.js';
import { startTestApp } from '../helpers/test-app.js';
import { runBuiltTool } from '../helpers/tool.js';

// Some tests start a dozen processes, one after the other.
jest.setTimeout(90_000);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS + 12 * HOUR_MS;
/** Long over, an hour ago, and now: one unit of a day, one of an hour, and the log, for each of two agents. */
const HOURS_AGO = [72, 2, 0];
const SAMPLES_PER_HOUR = 60;

let dir: string;
let path: string;

async function writeDatabase(target: string): Promise<void> {
  const store = await TestStorage.start({ path: target });
  for (const id of ['agent-1', 'agent-2']) {
    const agentKey = await store.agentKey(id, { region: 'eu' });
    for (const hoursAgo of HOURS_AGO) {
      const samples = Array.from({ length: SAMPLES_PER_HOUR }, (_, i) => {
        const timestampMs = NOW_MS - hoursAgo * HOUR_MS + i * 1_000;
        return [
          { agentId: id, name: 'cpu', tags: {}, timestampMs, value: i / 4 },
          { agentId: id, name: 'state', tags: { a: '"quoted", yes' }, timestampMs, value: { value: i, note: 'x' } },
        ];
      });
      await store.storage.writer.append(batchOf(agentKey, samples.flat()));
    }
  }
  await store.foldAt(NOW_MS + 10 * 60_000);
  await store.stop();
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ccv-tools-'));
  path = join(dir, 'written.db');
  await writeDatabase(path);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A copy with something changed. */
function changed(name: string, sql: string): string {
  const copy = join(dir, `${name}.db`);
  copyFileSync(path, copy);
  const db = new Database(copy);
  expect(db.prepare(sql).run().changes).toBe(1);
  db.close();
  return copy;
}

/** A BLOB with one bit of its byte `at` turned over. */
function flip(name: string, table: string, id: number, at: number): string {
  const copy = join(dir, `${name}.db`);
  copyFileSync(path, copy);
  const db = new Database(copy);
  const payload = Buffer.from(db.prepare<[number], Buffer>(`SELECT payload FROM ${table} WHERE id = ?`).pluck().get(id)!);
  payload[at]! ^= 4;
  db.prepare(`UPDATE ${table} SET payload = ? WHERE id = ?`).run(payload, id);
  db.close();
  return copy;
}

function one(sql: string): number {
  const db = new Database(path, { readonly: true });
  const found = db.prepare(sql).pluck().get() as number;
  db.close();
  return found;
}

const single = (text: string): string => {
  expect(text.trimEnd().split('\n')).toHaveLength(1);
  return text;
};

describe('every tool', () => {
  test.each(['sql', 'backup', 'verify', 'compact'])(
    '%s: --help; options, files and databases that do not fit are one clear line',
    async (tool) => {
      const help = await runBuiltTool(tool, ['--help']);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toContain(`npm run ${tool}`);

      const needed = tool === 'backup' ? [join(dir, 'never.db')] : tool === 'sql' ? ['select 1'] : [];
      const unknown = await runBuiltTool(tool, ['--nonsense', ...needed]);
      expect([unknown.code, single(unknown.stderr)]).toEqual([1, expect.stringContaining('--nonsense')]);
      const missing = await runBuiltTool(tool, ['--db', join(dir, 'no-such.db'), ...needed]);
      expect([missing.code, single(missing.stderr)]).toEqual([1, expect.stringContaining('there is no database at')]);
      const notes = join(dir, 'notes.txt');
      writeFileSync(notes, 'these are notes, and they are no database at all\n'.repeat(100));
      const other = await runBuiltTool(tool, ['--db', notes, ...needed]);
      expect([other.code, single(other.stderr)]).toEqual([1, expect.stringMatching(/not (an SQLite|a) database/)]);
      const newer = changed(`newer-${tool}`, 'UPDATE agents SET region = region WHERE agent_key = 1');
      const db = new Database(newer);
      db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
      db.close();
      const refused = await runBuiltTool(tool, ['--db', newer, ...needed]);
      expect([refused.code, single(refused.stderr)]).toEqual([1, expect.stringContaining('newer version')]);
      expect(existsSync(join(dir, 'never.db'))).toBe(false);
      expect(readdirSync(dir).filter((name) => name.endsWith('.part'))).toEqual([]);
    },
  );

  test('finds the database as the server does: DB_PATH, or .env', async () => {
    const byEnvironment = await runBuiltTool('verify', [], { env: { DB_PATH: path } });
    expect(byEnvironment).toMatchObject({ code: 0, stdout: expect.stringContaining(path) });
    writeFileSync(join(dir, '.env'), `DB_PATH=${path}\n`);
    const byFile = await runBuiltTool('sql', ['--csv', 'select count(*) as n from agents'], { cwd: dir });
    expect(byFile).toEqual({ code: 0, stdout: 'n\n2\n', stderr: '' });
  });
});

describe('sql', () => {
  const sql = (args: string[], input?: string) => runBuiltTool('sql', ['--db', path, ...args], input === undefined ? {} : { input });

  test('one statement: a table, JSON, CSV; over units and log alike', async () => {
    const query = "select agent_id, name, count(*) as samples, max(value) as most from metrics('', '', '') group by 1, 2 order by 1, 2";
    const samples = HOURS_AGO.length * SAMPLES_PER_HOUR;
    const { stdout, code } = await sql(['--json', query]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(
      ['agent-1', 'agent-2'].flatMap((agent_id) => [
        { agent_id, name: 'cpu', samples, most: (SAMPLES_PER_HOUR - 1) / 4 },
        { agent_id, name: 'state', samples, most: SAMPLES_PER_HOUR - 1 },
      ]),
    );
    expect((await sql([`${query} limit 1`])).stdout).toBe(
      `agent_id  name  samples  most\n--------  ----  -------  -----\nagent-1   cpu   ${samples}      14.75\n(1 row)\n`,
    );
    expect((await sql(['--csv', "select tags, null as gap, x'00ff' as bytes from metrics('agent-1', 'state') limit 1"])).stdout).toBe(
      'tags,gap,bytes\n"{""a"":""\\""quoted\\"", yes""}",,00ff\n',
    );
    expect((await sql(['--json', 'select 1 where 0'])).stdout).toBe('[]\n');
    expect((await sql(["select 'two' || char(10) || 'lines' as text, x'00' as bytes"])).stdout).toContain('two\\nlines  <1 bytes>');
  });

  test('changes nothing, and says what is wrong with a statement', async () => {
    for (const statement of ['delete from agents', 'select nonsense', 'select 1; select 2', '']) {
      const { code, stderr, stdout } = await sql([statement]);
      expect([statement, code, stdout]).toEqual([statement, 1, '']);
      single(stderr);
    }
    expect(one('SELECT count(*) FROM agents')).toBe(2);
  });

  test('a conversation: statements over several lines; an error does not end it', async () => {
    const input = '.help\n.tables\n.nonsense\nselect nonsense;\nselect\n  count(*) as n\nfrom agents;\n.exit\nselect 5 as never;\n';
    const { code, stdout, stderr } = await sql([], input);
    expect(stdout).toMatch(/\nmetric_series\nmetrics\n/);
    expect(stdout).toContain('n\n-\n2\n(1 row)\n');
    expect(stdout).not.toContain('never');
    expect(stderr).toMatch(/\.nonsense is not known.*\n.*no such column: nonsense\n$/);
    expect(code).toBe(1);
    expect(await sql(['--csv'], 'select 3 as last')).toEqual({ code: 0, stdout: 'last\n3\n', stderr: '' });
  });
});

describe('verify', () => {
  test('a sound database: what there is, and exit code 0', async () => {
    const { code, stdout } = await runBuiltTool('verify', [path]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Nothing is wrong.')]);
    expect(stdout).toContain(`with ${2 * 2 * 2 * SAMPLES_PER_HOUR} samples`);
    expect(stdout).toContain(`log: 2 rows with ${2 * 2 * SAMPLES_PER_HOUR} samples`);
    expect(stdout).toContain('dictionary: 2 agents, 4 series');
  });

  async function wrong(copy: string, ...named: (string | RegExp)[]): Promise<void> {
    const { code, stdout } = await runBuiltTool('verify', [copy]);
    expect(code).toBe(1);
    for (const name of named) expect(stdout).toMatch(name);
  }

  test('a flipped bit anywhere in a unit or a log row: which', async () => {
    const partId = one('SELECT max(id) FROM unit_parts');
    const length = one(`SELECT length(payload) FROM unit_parts WHERE id = ${partId}`);
    for (const at of [0, 20, length >> 1, length - 1]) {
      await wrong(
        flip('flipped', 'unit_parts', partId, at),
        new RegExp(`WRONG {2}unit ${partId >> 12} \\(agent agent-\\d.*part 0: checksum`),
      );
    }
    const rowId = one('SELECT min(id) FROM metric_batches');
    await wrong(flip('flipped', 'metric_batches', rowId, 30), new RegExp(`WRONG {2}metric_batches row ${rowId}: checksum mismatch`));
  });

  test('parts, rows and series that do not belong together', async () => {
    const unit = one('SELECT min(id) FROM units');
    const someUnit = `UPDATE units SET`;
    await wrong(changed('a', `DELETE FROM unit_parts WHERE id = ${unit * 4096}`), new RegExp(`unit ${unit} .*0 parts, not 1`));
    await wrong(changed('b', `DELETE FROM units WHERE id = ${unit}`), `parts of unit ${unit}, which does not exist`);
    await wrong(changed('c', `${someUnit} sample_count = 7 WHERE id = ${unit}`), new RegExp(`unit ${unit} .*samples, not 7`));
    await wrong(changed('d', `${someUnit} start_ms = start_ms + 1 WHERE id = ${unit}`), new RegExp(`unit ${unit} .*its bytes are of`));
    await wrong(changed('e', `${someUnit} agent_key = 9 WHERE id = ${unit}`), new RegExp(`unit ${unit} .*no agent with key 9`));
    await wrong(
      changed('f', 'DELETE FROM metric_series WHERE id = 1'),
      /unit \d+ .*series 1 is not in the dictionary/,
      /metric_batches row \d+: series 1 is not/,
      'agent agent-1: agent_totals says 2 series, there are 1',
    );
    await wrong(changed('g', "UPDATE metric_series SET agent_key = 2, unit = 'x' WHERE id = 1"), /series 1 is another agent's/);
    await wrong(changed('h', 'UPDATE metric_series SET agent_key = 9 WHERE id = 1'), /1 series of an agent that does not exist \(key 9\)/);
    await wrong(
      changed('k', "INSERT INTO agent_gaps (agent_key, kind, from_ms, to_ms, lost) VALUES (9, 'dropped', 1, 2, 3)"),
      /1 gaps of an agent that does not exist \(key 9\)/,
    );
    const orphans = join(dir, 'l.db');
    copyFileSync(path, orphans);
    const db = new Database(orphans);
    db.pragma('foreign_keys = OFF');
    db.exec("INSERT INTO alert_groups VALUES (9, 'a', '[]', 1, 1), (9, 'b', '[]', 1, 1)");
    db.close();
    await wrong(orphans, 'alert_groups: 2 rows refer to what is not in alert_channels');
    await wrong(changed('i', 'DELETE FROM agent_totals WHERE agent_key = 1'), 'agent agent-1: has no row in agent_totals');
    const row = one('SELECT min(id) FROM metric_batches');
    await wrong(
      changed('j', `UPDATE metric_batches SET sample_count = 1, min_ts_ms = 5 WHERE id = ${row}`),
      new RegExp(`metric_batches row ${row}: 120 samples, not 1`),
      new RegExp(`metric_batches row ${row}: its samples are not of the time`),
    );
  });
});

describe('backup', () => {
  test('a consistent copy beside a server that is written to all the time', async () => {
    const app = await startTestApp();
    const agent = await TestAgent.connect(app, { agentId: 'busy' });
    let acknowledged = 0;
    const load = new AbortController();
    const pushing = (async () => {
      for (let n = 0; !load.signal.aborted; n += 1) {
        await agent.push(Array.from({ length: 200 }, (_, i) => metric(`m${i}`, n, { timestamp: Date.now() })));
        acknowledged += 1;
      }
    })();
    try {
      for (let i = 0; i < 3; i += 1) {
        const target = join(dir, `busy-${i}.db`);
        const before = acknowledged;
        const { code, stdout, stderr } = await runBuiltTool('backup', ['--db', app.dbPath, target]);
        expect([code, stderr]).toEqual([0, '']);
        expect(stdout).toMatch(/busy-\d\.db: [\d.]+ [kM]B, copied and checked in [\d.]+ s\n/);
        expect(await runBuiltTool('verify', [target])).toMatchObject({ code: 0 });
        // Whole batches, and all that were acknowledged before.
        const copy = new Database(target, { readonly: true });
        const samples = copy.prepare('SELECT sum(metrics) FROM agent_totals').pluck().get() as number;
        copy.close();
        expect(samples % 200).toBe(0);
        expect(samples).toBeGreaterThanOrEqual(before * 200);
      }
      expect(await runBuiltTool('verify', [app.dbPath])).toMatchObject({ code: 0 });
      expect(readdirSync(dir).filter((name) => name.includes('.part'))).toEqual([]);
    } finally {
      load.abort();
      await pushing;
      agent.terminate();
      await app.stop();
    }
  });

  test('leaves alone what is there, and leaves no half copy', async () => {
    const target = join(dir, 'kept.db');
    writeFileSync(target, 'precious');
    const again = await runBuiltTool('backup', ['--db', path, target]);
    expect([again.code, single(again.stderr)]).toEqual([1, expect.stringContaining('is there already')]);
    writeFileSync(join(dir, 'other.db.part'), '');
    const running = await runBuiltTool('backup', ['--db', path, join(dir, 'other.db')]);
    expect([running.code, single(running.stderr)]).toEqual([1, expect.stringContaining('another backup is running')]);
    rmSync(join(dir, 'other.db.part'));
    const nowhere = await runBuiltTool('backup', ['--db', path, join(dir, 'no-such-folder/copy.db')]);
    expect(nowhere.code).toBe(1);
    single(nowhere.stderr);
  });
});

describe('compact', () => {
  test('is refused while a server has the database', async () => {
    const app = await startTestApp();
    try {
      const { code, stderr } = await runBuiltTool('compact', ['--db', app.dbPath]);
      expect([code, single(stderr)]).toEqual([1, expect.stringContaining('another server is using')]);
    } finally {
      await app.stop();
    }
  });

  test('folds everything and keeps every sample', async () => {
    const copy = join(dir, 'compacted.db');
    copyFileSync(path, copy);
    const query = 'select * from (select agent_id, name, timestamp_ms, value, object_value from metrics) order by 1, 2, 3';
    const before = await runBuiltTool('sql', ['--db', copy, '--csv', query]);
    const { code, stdout } = await runBuiltTool('compact', ['--db', copy]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/kB before, .* kB now/)]);
    const after = await runBuiltTool('sql', ['--db', copy, '--csv', query]);
    expect(after).toEqual(before);
    expect(after.stdout.split('\n')).toHaveLength(2 * 2 * HOURS_AGO.length * SAMPLES_PER_HOUR + 2);
    const { code: sound, stdout: report } = await runBuiltTool('verify', [copy]);
    expect([sound, report]).toEqual([0, expect.stringContaining('log: 0 rows')]);
  });

  test('says so when something cannot be folded', async () => {
    const rowId = one('SELECT min(id) FROM metric_batches');
    const copy = flip('unfoldable', 'metric_batches', rowId, 30);
    const { code, stderr } = await runBuiltTool('compact', ['--db', copy]);
    expect([code, single(stderr)]).toEqual([1, expect.stringContaining(`metric_batches row ${rowId} is damaged`)]);
  });
});
