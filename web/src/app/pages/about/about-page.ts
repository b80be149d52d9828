import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-about-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>About</h1>`,
})
export class AboutPage {}
