import { computed, Injectable, signal } from '@angular/core';
import { type Config, isSame, parseText, type Problem, problemsOf, textOf } from './config-model';

/** What somebody has changed, and where they began. */
export interface EditedConfig {
  readonly stored: Config | null;
  readonly edited: Config;
  readonly typed: string | null;
}

/**
 * The configuration somebody is editing. It belongs to the page, not to its part: looking at a chart does not cost what was typed.
 * What the server has may change meanwhile; then the draft stays and says so.
 */
@Injectable()
export class ConfigDraft {
  private readonly stored = signal<Config | null>(null);
  private readonly newer = signal<Config | null>(null);
  private readonly edited = signal<Config>({});
  private readonly typed = signal<string | null>(null);
  private readonly refused = signal<readonly Problem[]>([]);
  /** What is edited. */
  readonly config = this.edited.asReadonly();
  /** The same as text; while it is no JSON, as it was typed. */
  readonly text = computed(() => this.typed() ?? textOf(this.edited()));
  readonly textProblem = computed(() => {
    const typed = this.typed();
    const parsed = typed === null ? null : parseText(typed);
    return parsed !== null && 'problem' in parsed ? parsed.problem : null;
  });
  readonly isDirty = computed(() => this.textProblem() !== null || !isSame(this.edited(), this.stored() ?? {}));
  /** The server has another one than the one that is being changed. */
  readonly isOvertaken = computed(() => this.newer() !== null);
  /** Until something was changed an empty one is no problem. */
  readonly problems = computed<readonly Problem[]>(() => (this.isDirty() ? [...problemsOf(this.edited()), ...this.refused()] : []));

  /** What the server has now (null: none is set). Takes its place while nothing was changed. */
  arrived(config: Config | null): void {
    const isNews = !isSame(config, this.stored());
    if (!isNews) {
      this.newer.set(null);
    } else if (!this.isDirty() || isSame(config ?? {}, this.edited())) {
      this.saved(config);
    } else {
      this.newer.set(config ?? {});
    }
  }

  /** The server keeps this one: it is where changes begin now. */
  saved(config: Config | null): void {
    this.stored.set(config);
    this.newer.set(null);
    this.replace(config ?? {});
  }

  replace(config: Config): void {
    this.edited.set(config);
    this.typed.set(null);
    this.refused.set([]);
  }

  type(text: string): void {
    this.typed.set(text);
    this.refused.set([]);
    const parsed = parseText(text);
    if ('config' in parsed) this.edited.set(parsed.config);
  }

  /** The typed text, once it was understood, is written anew when it is next looked at. */
  tidy(): void {
    if (this.textProblem() === null) this.typed.set(null);
  }

  refuse(problems: readonly Problem[]): void {
    this.refused.set(problems);
  }

  /** Null: nothing was changed. */
  leave(): EditedConfig | null {
    return this.isDirty() ? { stored: this.stored(), edited: this.edited(), typed: this.typed() } : null;
  }

  /** Goes on with what was left. */
  resume({ stored, edited, typed }: EditedConfig): void {
    this.stored.set(stored);
    this.replace(edited);
    this.typed.set(typed);
  }

  /** Back to what the server has. */
  discard(): void {
    this.saved(this.newer() ?? this.stored());
  }
}
