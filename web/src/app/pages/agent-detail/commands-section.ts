import { ChangeDetectionStrategy, Component, computed, effect, inject, input, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Api, type ApiError } from '../../core/api';
import type { Agent, Target } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { Notice } from '../../shared/notice';
import { allowedBy, argsOf, COMMAND_KINDS, type Command, type CommandName, suggestionsFor } from './command-model';
import { CommandList } from './command-list';

const LIMIT = 50;
const REFRESH_MS = 30_000;
/** While an answer is awaited. */
const POLL_MS = 1_000;
const TYPES: readonly Target['type'][] = ['ping', 'http', 'tcp', 'dns'];

/** Tells an agent to do something, and shows what came back. */
@Component({
  selector: 'ccv-commands-section',
  imports: [MatButtonModule, Notice, CommandList],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './commands-section.html',
  styleUrls: ['./section.scss', './config-form.scss'],
})
export class CommandsSection {
  private readonly api = inject(Api);
  readonly agentId = input.required<string>();
  readonly agent = input.required<Agent | null>();
  protected readonly kinds = COMMAND_KINDS;
  protected readonly types = TYPES;
  protected readonly name = signal<CommandName>('ping_now');
  protected readonly type = signal<Target['type']>('ping');
  protected readonly address = signal('');
  protected readonly isSending = signal(false);
  protected readonly problem = signal<string | null>(null);
  protected readonly failure = signal<ApiError | null>(null);

  protected readonly answer = loadable({
    params: () => this.agentId(),
    load: (agentId, abort) => this.api.get<{ commands: readonly Command[] }>(`${path(agentId)}/commands`, { limit: LIMIT }, abort),
    refreshMs: REFRESH_MS,
  });
  /** Only to choose from: without them an address can be typed. */
  private readonly known = loadable({
    params: () => this.agentId(),
    load: async (agentId, abort) => {
      const [config, targets] = await Promise.all([
        this.api.get<{ config: unknown }>(`${path(agentId)}/config`, {}, abort).catch(() => null),
        this.api.get<readonly Target[]>('/targets', {}, abort).catch(() => []),
      ]);
      return { config: config?.config ?? null, targets };
    },
  });

  protected readonly kind = computed(() => COMMAND_KINDS.find(({ name }) => name === this.name()));
  protected readonly allowed = computed(() => allowedBy(this.agent()?.capabilities ?? []));
  protected readonly suggestions = computed(() => {
    const { config = null, targets = [] } = this.known.value() ?? {};
    return suggestionsFor(this.name() === 'ping_now' ? 'ping' : this.type(), this.agentId(), config, targets);
  });
  /** Why nothing can be sent; null when it can. */
  protected readonly reason = computed(() => {
    if (this.agent() === null) return 'Loading …';
    if (this.agent()?.status !== 'connected') return 'The agent is not connected: commands are not kept for later.';
    return null;
  });
  protected readonly doubt = computed(() => {
    const allowed = this.allowed();
    if (allowed === null) return 'This agent does not say which commands it obeys. One that obeys none lets them expire.';
    return allowed.has(this.name()) ? null : `This agent says that it does not obey ${this.name()}: it will refuse.`;
  });

  constructor() {
    effect((onCleanup) => {
      if (this.answer.value()?.commands.some(({ status }) => status === 'sent') !== true) return;
      const timer = setTimeout(() => this.answer.reload(), POLL_MS);
      onCleanup(() => clearTimeout(timer));
    });
  }

  protected choose(event: Event): void {
    this.name.set((event.target as HTMLSelectElement).value as CommandName);
    this.problem.set(null);
  }

  protected chooseType(event: Event): void {
    this.type.set((event.target as HTMLSelectElement).value as Target['type']);
  }

  protected typeAddress(event: Event): void {
    this.address.set((event.target as HTMLInputElement).value);
    this.problem.set(null);
  }

  protected async send(event: Event): Promise<void> {
    event.preventDefault();
    if (this.reason() !== null || this.isSending()) return;
    const read = argsOf({ name: this.name(), type: this.type(), address: this.address() });
    if ('problem' in read) {
      this.problem.set(read.problem);
      return;
    }
    this.isSending.set(true);
    this.failure.set(null);
    try {
      await this.api.post<Command>(`${path(this.agentId())}/commands`, { name: this.name(), args: read.args });
      this.answer.reload();
    } catch (error) {
      this.failure.set(error as ApiError);
    } finally {
      this.isSending.set(false);
    }
  }
}

function path(agentId: string): string {
  return `/agents/${encodeURIComponent(agentId)}`;
}
