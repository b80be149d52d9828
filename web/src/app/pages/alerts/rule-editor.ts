import { ChangeDetectionStrategy, Component } from '@angular/core';
import { Notice } from '../../shared/notice';

/** Not yet here. */
@Component({
  selector: 'ccv-rule-editor',
  imports: [Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<ccv-notice title="This comes next" />`,
})
export class RuleEditor {
  mayLeave(): Promise<boolean> {
    return Promise.resolve(true);
  }
}
