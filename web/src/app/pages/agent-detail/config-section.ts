import { ChangeDetectionStrategy, Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { AgentStore } from '../../core/agent-store';
import { Api, ApiError } from '../../core/api';
import type { Agent } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { Notice } from '../../shared/notice';
import { ConfigDraft } from './config-draft';
import { ConfigForm } from './config-form';
import { type Config, isSame, problemsFrom } from './config-model';
import { ConfigStateView } from './config-state';

interface ConfigAnswer {
  readonly config: Config;
  readonly version: number;
}

interface ConfigChanged extends ConfigAnswer {
  readonly delivered: boolean;
}

/** What an agent is to do, to be changed in a form or as JSON; and what became of it there. */
@Component({
  selector: 'ccv-config-section',
  imports: [RouterLink, MatButtonModule, Notice, ConfigForm, ConfigStateView],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './config-section.html',
  styleUrl: './section.scss',
})
export class ConfigSection {
  private readonly api = inject(Api);
  private readonly store = inject(AgentStore);
  protected readonly draft = inject(ConfigDraft);
  readonly agentId = input.required<string>();
  readonly agent = input.required<Agent | null>();
  protected readonly view = signal<'form' | 'json'>('form');
  protected readonly isSaving = signal(false);
  protected readonly failure = signal<ApiError | null>(null);
  protected readonly outcome = signal<string | null>(null);
  /** Which one the agent is to run, null for none; undefined while that is not known. News of the agent that change nothing of it are not heard. */
  private readonly version = computed(() => {
    const agent = this.agent();
    return agent === null ? undefined : (agent.config?.desired_version ?? null);
  });
  /** Null: none is set. Read again whenever the agent is to run another version. */
  protected readonly answer = loadable({
    params: () => {
      const version = this.version();
      return version === undefined ? undefined : { agentId: this.agentId(), version };
    },
    load: ({ agentId, version }, abort) => (version === null ? Promise.resolve({ config: null }) : this.read(agentId, abort)),
    keepsValue: true,
  });
  protected readonly wrong = computed(() => this.draft.problems().filter(({ field }) => field === null));
  protected readonly canSave = computed(() => this.draft.isDirty() && this.draft.textProblem() === null && !this.isSaving());

  constructor() {
    effect(() => {
      const answer = this.answer.value();
      if (answer !== undefined) untracked(() => this.draft.arrived(answer.config));
    });
  }

  protected show(view: 'form' | 'json'): void {
    this.draft.tidy();
    this.view.set(view);
  }

  protected typed(event: Event): void {
    this.draft.type((event.target as HTMLTextAreaElement).value);
  }

  protected discard(): void {
    this.draft.discard();
    this.failure.set(null);
    this.outcome.set(null);
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    if (!this.canSave()) return;
    const config = this.draft.config();
    this.isSaving.set(true);
    this.failure.set(null);
    this.outcome.set(null);
    try {
      const changed = await this.api.put<ConfigChanged>(`/agents/${encodeURIComponent(this.agentId())}/config`, config);
      // What was typed while it was on its way stays.
      if (isSame(this.draft.config(), config)) this.draft.saved(changed.config);
      const way = changed.delivered ? 'and sent to the agent' : 'the agent gets it when it connects';
      this.outcome.set(`Version ${changed.version} is stored${changed.delivered ? ' ' : '; '}${way}.`);
      // The agent's new version makes that it is read again.
      void this.store.refresh();
    } catch (error) {
      this.refused(error as ApiError);
    } finally {
      this.isSaving.set(false);
    }
  }

  private refused(error: ApiError): void {
    const problems = problemsFrom(error.details);
    this.draft.refuse(problems);
    // What is said at a field need not be said twice.
    this.failure.set(new ApiError(error.status, error.code, problems.length > 0 ? 'Some values are not accepted.' : error.message));
  }

  private async read(agentId: string, abort: AbortSignal): Promise<{ readonly config: Config | null }> {
    try {
      return await this.api.get<ConfigAnswer>(`/agents/${encodeURIComponent(agentId)}/config`, {}, abort);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404 && error.code === 'not_found') return { config: null };
      throw error;
    }
  }
}
