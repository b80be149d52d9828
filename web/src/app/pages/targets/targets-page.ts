import { ChangeDetectionStrategy, Component, computed, inject, Injector, linkedSignal, viewChild } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { Pencil, Plus, Trash2 } from 'lucide';
import { firstValueFrom } from 'rxjs';
import { Api } from '../../core/api';
import type { Target } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { formatCount } from '../../core/units';
import { addressSearch } from '../../shared/address-search';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Listing } from '../../shared/listing';
import { Notice } from '../../shared/notice';
import { Outcome } from '../../shared/outcome';
import { ShowMore, Steps } from '../../shared/steps';
import { addressText, matchesTarget, TYPE_WORDS, whoText } from './target-form';

/** Somebody else may change them too. */
const REFRESH_MS = 30_000;

/** What agents watch besides themselves: made, changed, switched off and on, deleted. */
@Component({
  selector: 'ccv-targets-page',
  imports: [RouterLink, MatButtonModule, Icon, Listing, Notice, ShowMore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './targets-page.html',
  styleUrls: ['../../shared/section.scss', './targets-page.scss'],
})
export class TargetsPage {
  private readonly api = inject(Api);
  private readonly injector = inject(Injector);
  private readonly confirm = inject(Confirm);

  protected readonly searched = addressSearch();
  protected readonly plusIcon = Plus;
  protected readonly editIcon = Pencil;
  protected readonly deleteIcon = Trash2;
  protected readonly count = formatCount;
  protected readonly words = TYPE_WORDS;
  protected readonly addressText = addressText;
  protected readonly whoText = whoText;

  protected readonly list = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<readonly Target[]>('/targets', {}, abort),
    refreshMs: REFRESH_MS,
  });
  /** As last read, with what has been changed here since. */
  protected readonly targets = linkedSignal(() => this.list.value());
  protected readonly matching = computed(() =>
    (this.targets() ?? []).filter((target) => matchesTarget(target, this.searched.words().trim())),
  );
  protected readonly steps = new Steps(this.matching);
  protected readonly outcome = new Outcome();
  private readonly listing = viewChild.required(Listing);

  /** Opens the form; its code comes when it is first needed. */
  protected async edit(target: Target | null): Promise<void> {
    const { MatDialog, TargetDialog } = await import('./target-dialog');
    const dialog = this.injector.get(MatDialog).open<unknown, Target | null, Target>(TargetDialog, {
      data: target,
      ariaModal: true,
      autoFocus: '.first-focus',
      // A click beside it must not throw away what was typed. Escape does close it.
      disableClose: true,
      width: '560px',
      maxWidth: 'calc(100vw - 24px)',
    });
    const saved = await firstValueFrom(dialog.afterClosed());
    if (saved === undefined) return;
    this.put(saved);
    this.outcome.done(`${saved.name} is saved. The agents concerned are told.`);
    this.list.reload();
  }

  protected async enable(target: Target, enabled: boolean): Promise<void> {
    this.put({ ...target, enabled });
    const isDone = await this.outcome.attempt(`${target.name} could not be switched ${enabled ? 'on' : 'off'}`, async () =>
      this.put(await this.api.put<Target>(`/targets/${encodeURIComponent(target.id)}`, { enabled })),
    );
    if (isDone) this.outcome.done(`${target.name} is ${enabled ? 'watched' : 'no longer watched'}.`);
    else this.put(target);
    this.list.reload();
  }

  protected async remove(target: Target): Promise<void> {
    const isSure = await this.confirm.ask({
      title: `Delete ${target.name}?`,
      message: `Agents stop watching ${addressText(target)}. What they have measured of it stays.`,
      action: 'Delete',
      danger: true,
    });
    if (!isSure) return;
    const isDone = await this.outcome.attemptEnd(`${target.name} could not be deleted`, () =>
      this.api.delete(`/targets/${encodeURIComponent(target.id)}`),
    );
    if (!isDone) return;
    this.targets.update((targets) => targets?.filter(({ id }) => id !== target.id));
    this.listing().focus();
    this.outcome.done(`${target.name} is deleted.`);
    this.list.reload();
  }

  private put(target: Target): void {
    this.targets.update((targets = []) =>
      targets.some(({ id }) => id === target.id) ? targets.map((old) => (old.id === target.id ? target : old)) : [...targets, target],
    );
  }
}
