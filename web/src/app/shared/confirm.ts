import { inject, Injectable, Injector } from '@angular/core';
import { firstValueFrom } from 'rxjs';

/** Asked before something is done that cannot be undone. */
export interface Question {
  readonly title: string;
  /** What will happen, in a sentence or two. Line breaks part paragraphs. */
  readonly message: string;
  /** The word on the button that does it: a verb. */
  readonly action: string;
  /** It destroys something: the button says so by its colour, and the way back has the focus. */
  readonly danger?: boolean;
  /** This must be typed before the button works. */
  readonly mustType?: string;
}

/**
 * Asks before it is done. `inject(Confirm)` where inject() may be, then
 * `if (await this.confirm.ask({ title: 'Delete it?', … })) …`.
 */
@Injectable({ providedIn: 'root' })
export class Confirm {
  private readonly injector = inject(Injector);

  /**
   * True when the answer is yes; false when it is no, in whatever way (Escape, a click beside it, another page). The focus goes
   * back to where it was. The dialog's code is loaded when the first question is asked.
   */
  async ask(question: Question): Promise<boolean> {
    const { ConfirmDialog, MatDialog } = await import('./confirm-dialog');
    const dialog = this.injector.get(MatDialog).open<unknown, Question, boolean>(ConfirmDialog, {
      data: question,
      role: 'alertdialog',
      ariaModal: true,
      autoFocus: '.first-focus',
      ariaDescribedBy: 'confirm-message',
      width: '460px',
      maxWidth: 'calc(100vw - 24px)',
    });
    return (await firstValueFrom(dialog.afterClosed())) === true;
  }
}
