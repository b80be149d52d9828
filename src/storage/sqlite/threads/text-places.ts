const NO_TEXT = -1;

/** Texts that travel once, however many things have them: these hold their places in `texts` instead. */
export class TextPlaces {
  readonly texts: string[] = [];
  private readonly known = new Map<string, number>();

  /** Null has a place where there is no text. */
  of(text: string | null): number {
    if (text === null) return NO_TEXT;
    let place = this.known.get(text);
    if (place === undefined) this.known.set(text, (place = this.texts.push(text) - 1));
    return place;
  }
}
