/**
 * Regular expressions of people, run in time proportional to the text: a pattern like `(a+)+$` must not stop the server,
 * which JavaScript's own engine would let it do. Literals, `.`, classes, groups, `|`, `*`, `+`, `?`, `{m,n}`, `^`, `$` and
 * the escapes \d \w \s \t \n \r are known; `(?i)` in front ignores case. Back references and look-around are refused, as
 * they cannot be run that way. The pattern is translated into a small program for a machine that is in all its states at
 * once (Thompson's construction); counted repeats are written out, so the size of the program is what is bounded.
 */

const MAX_INSTRUCTIONS = 1_000;
const MAX_DEPTH = 50;
/** Of what `{m,n}` may ask for: the program would be refused anyway, but not before it was made. */
const MAX_REPEATS = 1_000;

/** Whether a character is meant; `only` is set when just that one is. */
type CharTest = ((char: string) => boolean) & { readonly only?: string };
type Instruction =
  | { readonly op: 'char'; readonly test: CharTest }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'start' | 'end' | 'match' };

type Node =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number };

/** A pattern that cannot be used; the message says why. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Matches whole texts: a pattern is anchored at both ends. */
export class LinearRegex {
  private readonly program: Instruction[] = [];
  /** By state: the last round in which it was reached. A round is one call of `follow`. */
  private readonly reachedIn: Float64Array;
  private round = 0;
  /** What every match begins with: most texts are no match for that reason alone. */
  private readonly prefix: string;

  /** @throws PatternError */
  constructor(pattern: string) {
    const ignoresCase = pattern.startsWith('(?i)');
    this.emit(new Parser(ignoresCase ? pattern.slice(4) : pattern, ignoresCase).parse());
    this.add({ op: 'match' });
    this.prefix = this.literalPrefix();
    this.reachedIn = new Float64Array(this.program.length);
  }

  test(text: string): boolean {
    if (!text.startsWith(this.prefix)) return false;
    const chars = Array.from(text);
    let states = this.follow([0], 0, chars.length);
    for (const [index, char] of chars.entries()) {
      const next: number[] = [];
      for (const state of states) {
        const instruction = this.program[state];
        if (instruction?.op === 'char' && instruction.test(char)) next.push(state + 1);
      }
      if (next.length === 0) return false;
      states = this.follow(next, index + 1, chars.length);
    }
    return states.some((state) => this.program[state]?.op === 'match');
  }

  private literalPrefix(): string {
    let prefix = '';
    for (const instruction of this.program) {
      if (instruction.op !== 'char' || instruction.test.only === undefined) break;
      prefix += instruction.test.only;
    }
    return prefix;
  }

  /** All states that can be reached without reading a character. */
  private follow(open: number[], position: number, length: number): number[] {
    const states: number[] = [];
    this.round += 1;
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (this.reachedIn[state] === this.round) continue;
      this.reachedIn[state] = this.round;
      states.push(state);
      const instruction = this.program[state];
      if (instruction?.op === 'jump') open.push(instruction.to);
      else if (instruction?.op === 'split') open.push(instruction.second, instruction.first);
      else if (instruction?.op === 'start' && position === 0) open.push(state + 1);
      else if (instruction?.op === 'end' && position === length) open.push(state + 1);
    }
    return states;
  }

  private add<T extends Instruction>(instruction: T): T {
    if (this.program.length >= MAX_INSTRUCTIONS) throw new PatternError('it is too large once its repeats are written out');
    this.program.push(instruction);
    return instruction;
  }

  private emit(node: Node): void {
    switch (node.kind) {
      case 'char':
        this.add({ op: 'char', test: node.test });
        return;
      case 'start':
      case 'end':
        this.add({ op: node.kind });
        return;
      case 'sequence':
        for (const part of node.parts) this.emit(part);
        return;
      case 'choice':
        this.emitChoice(node.parts);
        return;
      case 'repeat':
        this.emitRepeat(node.part, node.least, node.most);
    }
  }

  private emitChoice(parts: readonly Node[]): void {
    const jumps: { to: number }[] = [];
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) {
        this.emit(part);
        break;
      }
      const split = this.add({ op: 'split', first: this.program.length + 1, second: 0 });
      this.emit(part);
      jumps.push(this.add({ op: 'jump', to: 0 }));
      split.second = this.program.length;
    }
    for (const jump of jumps) jump.to = this.program.length;
  }

  private emitRepeat(part: Node, least: number, most: number): void {
    for (let i = 0; i < least; i++) this.emit(part);
    if (most === Infinity) {
      const at = this.program.length;
      const split = this.add({ op: 'split', first: at + 1, second: 0 });
      this.emit(part);
      this.add({ op: 'jump', to: at });
      split.second = this.program.length;
      return;
    }
    const splits: { second: number }[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.add({ op: 'split', first: this.program.length + 1, second: 0 }));
      this.emit(part);
    }
    for (const split of splits) split.second = this.program.length;
  }
}

const CLASSES: Readonly<Record<string, CharTest>> = {
  d: (c) => c >= '0' && c <= '9',
  w: (c) => /^\w$/.test(c),
  s: (c) => /^\s$/.test(c),
};
const CONTROLS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' };

class Parser {
  private readonly chars: string[];
  private at = 0;
  private depth = 0;

  constructor(
    pattern: string,
    private readonly ignoresCase: boolean,
  ) {
    this.chars = Array.from(pattern);
  }

  parse(): Node {
    const node = this.choice();
    if (this.at < this.chars.length) throw new PatternError('it closes a ")" that was not opened');
    return node;
  }

  private choice(): Node {
    const parts = [this.sequence()];
    while (this.take('|')) parts.push(this.sequence());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'choice', parts };
  }

  private sequence(): Node {
    const parts: Node[] = [];
    for (let char = this.chars[this.at]; char !== undefined && char !== '|' && char !== ')'; char = this.chars[this.at]) {
      parts.push(this.repeated(this.atom()));
    }
    return { kind: 'sequence', parts };
  }

  private repeated(part: Node): Node {
    const bounds = this.bounds();
    if (bounds === null) return part;
    if (part.kind === 'start' || part.kind === 'end') throw new PatternError('an anchor cannot be repeated');
    this.take('?');
    if (this.bounds() !== null) throw new PatternError('a repeat cannot be repeated; use a group');
    return { kind: 'repeat', part, ...bounds };
  }

  private bounds(): { least: number; most: number } | null {
    if (this.take('*')) return { least: 0, most: Infinity };
    if (this.take('+')) return { least: 1, most: Infinity };
    if (this.take('?')) return { least: 0, most: 1 };
    const counted = /^\{(\d{1,5})(,(\d{0,5}))?\}/.exec(this.chars.slice(this.at, this.at + 16).join(''));
    if (counted === null) return null;
    this.at += counted[0].length;
    const least = Number(counted[1]);
    const most = counted[2] === undefined ? least : counted[3] === '' ? Infinity : Number(counted[3]);
    if (least > most) throw new PatternError('the numbers of a {m,n} are in the wrong order');
    if (least > MAX_REPEATS || (most > MAX_REPEATS && most !== Infinity))
      throw new PatternError(`it repeats more than ${MAX_REPEATS} times`);
    return { least, most };
  }

  private atom(): Node {
    const char = this.chars[this.at++] ?? '';
    if (char === '(') return this.group();
    if (char === '[') return { kind: 'char', test: this.characterClass() };
    if (char === '.') return { kind: 'char', test: (c) => c !== '\n' };
    if (char === '^') return { kind: 'start' };
    if (char === '$') return { kind: 'end' };
    if (char === '*' || char === '+' || char === '?') throw new PatternError(`there is nothing before "${char}" to repeat`);
    if (char === '\\') return { kind: 'char', test: this.escape() };
    return { kind: 'char', test: this.literal(char) };
  }

  private group(): Node {
    if (this.take('?') && !this.take(':')) throw new PatternError('of the groups that begin with "(?" only "(?:" is known');
    if (++this.depth > MAX_DEPTH) throw new PatternError('its groups are nested too deeply');
    const node = this.choice();
    this.depth -= 1;
    if (!this.take(')')) throw new PatternError('a "(" is not closed');
    return node;
  }

  private escape(): CharTest {
    const char = this.chars[this.at++];
    if (char === undefined) throw new PatternError('it ends with a "\\"');
    const known = CLASSES[char.toLowerCase()];
    if (known !== undefined) return char === char.toLowerCase() ? known : (c) => !known(c);
    return this.literal(this.escapedCharacter(char));
  }

  private escapedCharacter(char: string): string {
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (/^[0-9A-Za-z]$/.test(char)) throw new PatternError(`"\\${char}" is not known`);
    return char;
  }

  private characterClass(): CharTest {
    const negated = this.take('^');
    const tests: CharTest[] = [];
    for (let first = true; first || this.chars[this.at] !== ']'; first = false) {
      const from = this.classMember();
      const isRange = this.chars[this.at] === '-' && this.chars[this.at + 1] !== ']' && this.chars[this.at + 1] !== undefined;
      if (!isRange) {
        tests.push(typeof from === 'string' ? this.literal(from) : from);
        continue;
      }
      this.at += 1;
      const to = this.classMember();
      if (typeof from !== 'string' || typeof to !== 'string' || order(from) > order(to)) {
        throw new PatternError('a range in "[ ]" is in the wrong order');
      }
      tests.push(this.range(order(from), order(to)));
    }
    this.at += 1;
    return (char) => tests.some((test) => test(char)) !== negated;
  }

  /** A character, or what a class escape (`\d`) stands for. */
  private classMember(): string | CharTest {
    const char = this.chars[this.at++];
    if (char === undefined) throw new PatternError('a "[" is not closed');
    if (char !== '\\') return char;
    const escaped = this.chars[this.at++];
    if (escaped === undefined) throw new PatternError('it ends with a "\\"');
    const known = CLASSES[escaped.toLowerCase()];
    if (known !== undefined) return escaped === escaped.toLowerCase() ? known : (c) => !known(c);
    return this.escapedCharacter(escaped);
  }

  private literal(expected: string): CharTest {
    if (!this.ignoresCase) return Object.assign((char: string) => char === expected, { only: expected });
    const lower = expected.toLowerCase();
    return (char) => char.toLowerCase() === lower;
  }

  private range(from: number, to: number): CharTest {
    const within = (char: string): boolean => order(char) >= from && order(char) <= to;
    if (!this.ignoresCase) return within;
    return (char) => within(char.toLowerCase()) || within(char.toUpperCase());
  }

  private take(char: string): boolean {
    if (this.chars[this.at] !== char) return false;
    this.at += 1;
    return true;
  }
}

function order(char: string): number {
  return char.codePointAt(0) ?? 0;
}
