import type { StoredCommand } from '../../ports.js';
import type { Db } from '../open.js';

type CommandRow = Omit<StoredCommand, 'args'> & { args: string };

const SELECT_COMMAND = `SELECT id, agent_key AS agentKey, name, args, status, output, error, created_at_ms AS createdAtMs,
  expires_at_ms AS expiresAtMs, completed_at_ms AS completedAtMs FROM agent_commands`;

/** Rows of `agent_commands`. */
export class CommandRows {
  private readonly insert;
  private readonly selectOne;
  private readonly selectAll;
  private readonly complete_;

  constructor(db: Db) {
    this.insert = db.prepare(
      `INSERT INTO agent_commands (id, agent_key, name, args, status, output, error, created_at_ms, expires_at_ms, completed_at_ms)
       VALUES (@id, @agentKey, @name, @args, @status, @output, @error, @createdAtMs, @expiresAtMs, @completedAtMs)`,
    );
    this.selectOne = db.prepare<[number, string], CommandRow>(`${SELECT_COMMAND} WHERE agent_key = ? AND id = ?`);
    this.selectAll = db.prepare<[number, number], CommandRow>(
      `${SELECT_COMMAND} WHERE agent_key = ? ORDER BY created_at_ms DESC, rowid DESC LIMIT ?`,
    );
    this.complete_ = db.prepare(
      `UPDATE agent_commands SET status = @status, output = @output, error = @error, completed_at_ms = @nowMs
       WHERE agent_key = @agentKey AND id = @id AND completed_at_ms IS NULL`,
    );
  }

  create(command: StoredCommand): void {
    this.insert.run({ ...command, args: JSON.stringify(command.args) });
  }

  get(agentKey: number, id: string): StoredCommand | null {
    const row = this.selectOne.get(agentKey, id);
    return row === undefined ? null : toCommand(row);
  }

  list(agentKey: number, limit: number): StoredCommand[] {
    return this.selectAll.all(agentKey, limit).map(toCommand);
  }

  complete(
    agentKey: number,
    id: string,
    result: { status: 'ok' | 'failed' | 'refused'; output: string | null; error: string | null },
    nowMs: number,
  ): boolean {
    return this.complete_.run({ agentKey, id, ...result, nowMs }).changes > 0;
  }
}

function toCommand(row: CommandRow): StoredCommand {
  return { ...row, args: JSON.parse(row.args) as Record<string, unknown> };
}
