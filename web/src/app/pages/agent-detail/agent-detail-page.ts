import { ChangeDetectionStrategy, Component, computed, DestroyRef, effect, inject, input, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { Trash2 } from 'lucide';
import { AgentStore } from '../../core/agent-store';
import { Api, type ApiError } from '../../core/api';
import type { Agent } from '../../core/api-types';
import { LiveChannel } from '../../core/live-channel';
import { loadable } from '../../core/loadable';
import { Unfinished } from '../../core/unfinished';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Notice } from '../../shared/notice';
import { AgentFacts } from './agent-facts';
import { ChartsSection } from './charts-section';
import { CommandsSection } from './commands-section';
import { ConfigDraft } from './config-draft';
import { ConfigSection } from './config-section';
import { HistorySection } from './history-section';
import { SamplesSection } from './samples-section';
import { SeriesSection } from './series-section';

const TABS = [
  { id: 'charts', label: 'Charts' },
  { id: 'series', label: 'Series' },
  { id: 'samples', label: 'Samples' },
  { id: 'history', label: 'History' },
  { id: 'config', label: 'Configuration' },
  { id: 'commands', label: 'Commands' },
] as const;

type Tab = (typeof TABS)[number]['id'];

const REFRESH_MS = 60_000;

/** Everything about one agent: how it is, what it measured, what happened to it, and what it can be told. */
@Component({
  selector: 'ccv-agent-detail-page',
  imports: [
    RouterLink,
    MatButtonModule,
    Icon,
    Notice,
    AgentFacts,
    ChartsSection,
    SeriesSection,
    SamplesSection,
    HistorySection,
    ConfigSection,
    CommandsSection,
  ],
  providers: [ConfigDraft],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './agent-detail-page.html',
  styleUrl: './agent-detail-page.scss',
})
export class AgentDetailPage {
  private readonly api = inject(Api);
  private readonly store = inject(AgentStore);
  private readonly router = inject(Router);
  private readonly confirm = inject(Confirm);
  /** From the path. */
  readonly agentId = input.required<string>();
  /** From the query, as all that follow. */
  readonly tab = input<string>();
  readonly range = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();

  protected readonly tabs = TABS;
  protected readonly deleteIcon = Trash2;
  protected readonly current = computed<Tab>(() => TABS.find(({ id }) => id === this.tab())?.id ?? 'charts');
  protected readonly read = loadable({
    params: () => this.agentId(),
    load: (id, abort) => this.api.get<Agent>(`/agents/${encodeURIComponent(id)}`, {}, abort),
    refreshMs: REFRESH_MS,
  });
  private readonly known = this.store.find(() => this.agentId());
  /** As the live channel has it; until that is known, as it was read. */
  protected readonly agent = computed(() => this.known() ?? this.read.value() ?? null);
  protected readonly isUnknown = computed(() => this.read.error()?.status === 404);
  protected readonly draft = inject(ConfigDraft);
  protected readonly isDeleting = signal(false);
  protected readonly deleteError = signal<ApiError | null>(null);

  constructor() {
    // An agent of this id may come (back) while the page says that there is none.
    const stop = inject(LiveChannel).on('agent_connected', ({ id }) => {
      if (id === this.agentId() && this.isUnknown()) this.read.reload();
    });
    const warn = (event: BeforeUnloadEvent): void => {
      if (this.draft.isDirty()) event.preventDefault();
    };
    addEventListener('beforeunload', warn);
    inject(DestroyRef).onDestroy(() => {
      stop();
      removeEventListener('beforeunload', warn);
    });
    // Another agent's page is the same component: its configuration is another one.
    let shownId: string | undefined;
    const takeLeft = inject(Unfinished).keep(
      () => `the configuration of ${this.agentId()}`,
      () => this.draft.leave(),
    );
    effect(() => {
      const id = this.agentId();
      const left = shownId === undefined ? takeLeft() : undefined;
      if (left !== undefined) this.draft.resume(left);
      if (shownId !== undefined && shownId !== id) this.draft.saved(null);
      shownId = id;
    });
  }

  /** Asked by the route before another page, or another agent's, is shown. */
  async mayLeave(): Promise<boolean> {
    if (!this.draft.isDirty()) return true;
    const title = 'Leave without saving?';
    const message = `The changes to the configuration of ${this.agentId()} are not saved.`;
    return this.confirm.ask({ title, message, action: 'Leave', danger: true });
  }

  protected async remove(): Promise<void> {
    const id = this.agentId();
    const isConnected = this.agent()?.status === 'connected';
    const goesOn = isConnected ? '\nIt is connected: if it goes on running it comes back as a new agent.' : '';
    const message = `All its data is deleted with it: samples, history, configuration. This cannot be undone.${goesOn}`;
    if (!(await this.confirm.ask({ title: `Delete ${id}?`, message, action: 'Delete agent', danger: true, mustType: id }))) return;
    this.isDeleting.set(true);
    this.deleteError.set(null);
    try {
      await this.api.delete(`/agents/${encodeURIComponent(id)}`);
      this.store.remove(id);
      this.draft.saved(null);
      await this.router.navigate(['/agents']);
    } catch (error) {
      this.deleteError.set(error as ApiError);
    } finally {
      this.isDeleting.set(false);
    }
  }
}
