import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { argsText, type Command, outputText } from './command-model';

/** Commands that were sent, newest first, with what came back. */
@Component({
  selector: 'ccv-command-list',
  imports: [Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<ol>
    @for (command of commands(); track command.id) {
      <li>
        <div class="bar">
          <code>{{ command.name }}</code>
          <span class="args">{{ args(command.args) }}</span>
          <ccv-status [status]="command.status" [text]="command.status === 'sent' ? 'waiting for the answer' : command.status" />
          <ccv-time class="muted" [at]="command.created_at" />
        </div>
        @if (command.error; as error) {
          <p class="problem">{{ error }}</p>
        }
        @if (command.output; as output) {
          <details [open]="$first">
            <summary>Output</summary>
            <pre tabindex="0" role="group" aria-label="Output of {{ command.name }}">{{ text(output) }}</pre>
          </details>
        }
      </li>
    }
  </ol>`,
  styleUrl: './section.scss',
  styles: `
    :host {
      justify-self: stretch;
    }
    ol {
      list-style: none;
      margin: 0;
      padding: 0;
      display: grid;
      grid-template-columns: minmax(0, 1fr);
    }
    li {
      padding: 10px 0;
      border-top: 1px solid var(--ccv-grid);
    }
    .args {
      overflow-wrap: anywhere;
    }
    summary {
      cursor: pointer;
    }
  `,
})
export class CommandList {
  readonly commands = input.required<readonly Command[]>();
  protected readonly args = argsText;
  protected readonly text = outputText;
}
