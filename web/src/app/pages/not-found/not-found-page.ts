import { ChangeDetectionStrategy, Component } from '@angular/core';
import { RouterLink } from '@angular/router';

/** An address that leads nowhere. */
@Component({
  selector: 'ccv-not-found-page',
  imports: [RouterLink],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>Nothing here</h1>
    <p>This address leads nowhere. Go to the <a routerLink="/">overview</a>, or to the <a routerLink="/agents">agents</a>.</p>`,
})
export class NotFoundPage {}
