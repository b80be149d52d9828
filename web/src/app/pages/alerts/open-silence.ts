import type { Injector } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import type { Silence } from '../../core/alert-types';
import type { SilenceQuestion } from './silence-dialog';

/** Opens the form of a silence; its code comes when it is first needed. Answers with what was saved; undefined: nothing was. */
export async function openSilence(injector: Injector, question: SilenceQuestion): Promise<Silence | undefined> {
  const { MatDialog, SilenceDialog } = await import('./silence-dialog');
  const dialog = injector.get(MatDialog).open<unknown, SilenceQuestion, Silence>(SilenceDialog, {
    data: question,
    ariaModal: true,
    autoFocus: '.first-focus',
    // A click beside it must not throw away what was typed. Escape does close it.
    disableClose: true,
    width: '640px',
    maxWidth: 'calc(100vw - 24px)',
  });
  return firstValueFrom(dialog.afterClosed());
}
