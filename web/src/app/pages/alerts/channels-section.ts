import { ChangeDetectionStrategy, Component, computed, inject, Injector, input, linkedSignal, signal, viewChild } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { History, Pencil, Plus, Send, Trash2 } from 'lucide';
import { firstValueFrom } from 'rxjs';
import type { Channel, ChannelType } from '../../core/alert-types';
import { Api, type ApiError } from '../../core/api';
import { loadable } from '../../core/loadable';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Listing } from '../../shared/listing';
import { Notice } from '../../shared/notice';
import { Outcome } from '../../shared/outcome';
import { Status } from '../../shared/status';
import type { ChannelQuestion } from './channel-dialog';
import { typeName } from './channel-form';
import { DeliveryLog } from './delivery-log';
import { matchersText } from './matchers';

const REFRESH_MS = 30_000;

interface ChannelsAnswer {
  readonly channels: readonly Channel[];
  readonly types: readonly ChannelType[];
}

interface TestResult {
  /** Null while it is on its way. */
  readonly delivered: boolean | null;
  readonly error: string | null;
}

/** Who is told of alerts, and how; whether that works. */
@Component({
  selector: 'ccv-channels-section',
  imports: [RouterLink, MatButtonModule, DeliveryLog, Icon, Listing, Notice, Status],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './channels-section.html',
  styleUrl: '../../shared/section.scss',
})
export class ChannelsSection {
  private readonly api = inject(Api);
  private readonly injector = inject(Injector);
  private readonly confirm = inject(Confirm);

  /** Of the address: the channel whose deliveries are shown. */
  readonly log = input<string>();

  protected readonly icons = { History, Pencil, Plus, Send, Trash2 };
  protected readonly typeName = typeName;
  protected readonly matchersText = matchersText;
  protected readonly list = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<ChannelsAnswer>('/alerts/channels', {}, abort),
    refreshMs: REFRESH_MS,
  });
  /** As last read, with what has been changed here since. */
  protected readonly channels = linkedSignal(() => this.list.value()?.channels ?? []);
  protected readonly logged = computed(() => this.channels().find(({ id }) => id === this.log()) ?? null);
  /** By channel. */
  protected readonly results = signal<Readonly<Record<string, TestResult>>>({});
  protected readonly outcome = new Outcome();
  private readonly listing = viewChild.required(Listing);

  /** Opens the form; its code comes when it is first needed. */
  protected async edit(channel: Channel | null): Promise<void> {
    const types = this.list.value()?.types ?? [];
    const { ChannelDialog, MatDialog } = await import('./channel-dialog');
    const dialog = this.injector.get(MatDialog).open<unknown, ChannelQuestion, Channel>(ChannelDialog, {
      data: { channel, types },
      ariaModal: true,
      autoFocus: '.first-focus',
      // A click beside it must not throw away what was typed. Escape does close it.
      disableClose: true,
      width: '600px',
      maxWidth: 'calc(100vw - 24px)',
    });
    const saved = await firstValueFrom(dialog.afterClosed());
    if (saved === undefined) return;
    this.put(saved);
    this.done(`${saved.name} is saved.`);
  }

  protected async enable(channel: Channel, enabled: boolean): Promise<void> {
    const state = enabled ? 'on' : 'off';
    this.put({ ...channel, enabled });
    const isDone = await this.outcome.attempt(`${channel.name} could not be switched ${state}`, async () =>
      this.put(await this.api.put<Channel>(`/alerts/channels/${encodeURIComponent(channel.id)}`, { enabled })),
    );
    if (isDone) this.done(`${channel.name} is switched ${state}.`);
    else this.put(channel);
  }

  protected async test(channel: Channel): Promise<void> {
    const tell = (result: TestResult): void => this.results.update((results) => ({ ...results, [channel.id]: result }));
    tell({ delivered: null, error: null });
    try {
      tell(await this.api.post<TestResult>(`/alerts/channels/${encodeURIComponent(channel.id)}/test`, {}));
    } catch (error) {
      tell({ delivered: false, error: (error as ApiError).message });
    }
  }

  protected isTesting({ id }: Channel): boolean {
    return this.results()[id]?.delivered === null;
  }

  protected async remove(channel: Channel): Promise<void> {
    const isSure = await this.confirm.ask({
      title: `Delete ${channel.name}?`,
      message: 'Nobody is told of alerts through it any more, and its log of deliveries goes with it.',
      action: 'Delete',
      danger: true,
    });
    if (!isSure) return;
    const isDone = await this.outcome.attemptEnd(`${channel.name} could not be deleted`, () =>
      this.api.delete(`/alerts/channels/${encodeURIComponent(channel.id)}`),
    );
    if (!isDone) return;
    this.channels.update((channels) => channels.filter(({ id }) => id !== channel.id));
    this.listing().focus();
    this.done(`${channel.name} is deleted.`);
  }

  private put(channel: Channel): void {
    this.channels.update((channels) =>
      channels.some(({ id }) => id === channel.id)
        ? channels.map((old) => (old.id === channel.id ? channel : old))
        : [...channels, channel],
    );
  }

  private done(news: string): void {
    this.outcome.done(news);
    this.list.reload();
  }
}
