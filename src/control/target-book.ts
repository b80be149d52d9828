import { isIPv6 } from 'node:net';
import type { Target, TargetStore } from '../storage/ports.js';
import type { TargetLists } from './agent-config-body.js';

/**
 * The monitoring targets in memory, as they are on disk: at most a thousand, asked for at every push of a
 * configuration. Only TargetService changes them, after the change is on disk.
 */
export class TargetBook {
  private targets = new Map<string, Target>();

  constructor(private readonly store: Pick<TargetStore, 'all'>) {}

  async start(): Promise<void> {
    this.targets = new Map((await this.store.all()).map((target) => [target.id, target]));
  }

  /** In the order they were created. */
  all(): Target[] {
    return [...this.targets.values()];
  }

  get size(): number {
    return this.targets.size;
  }

  find(id: string): Target | null {
    return this.targets.get(id) ?? null;
  }

  set(target: Target): void {
    this.targets.set(target.id, target);
  }

  delete(id: string): void {
    this.targets.delete(id);
  }

  /** What people call them, by `kind:address`, the address as agents show it. Of several with the same, the oldest's. */
  names(): Map<string, string> {
    const names = new Map<string, string>();
    for (const target of this.targets.values()) {
      const id = `${target.type}:${watchedAddress(target)}`;
      if (!names.has(id)) names.set(id, target.name);
    }
    return names;
  }

  /** What the targets ask this agent to watch; a kind without targets is absent. */
  applyingTo(agentId: string): TargetLists {
    const lists: { [kind in Target['type']]?: string[] } = {};
    for (const target of this.targets.values()) {
      if (!target.enabled || !appliesTo(target, agentId)) continue;
      const list = (lists[target.type] ??= []);
      list.push(watchedAddress(target));
    }
    return lists;
  }
}

function appliesTo(target: Target, agentId: string): boolean {
  return target.agentIds.length === 0 || target.agentIds.includes(agentId);
}

function watchedAddress(target: Target): string {
  if (target.type !== 'tcp' || target.port === null) return target.address;
  return `${isIPv6(target.address) ? `[${target.address}]` : target.address}:${target.port}`;
}
