import { WebSocket } from 'ws';

/** The place of an answer among the others; empty until it is known. */
export interface Answer {
  text: string | null;
}

/** Sends answers in the order of their questions, whichever is known first. */
export class OrderedAnswers {
  private answers: Answer[] = NONE;

  constructor(private readonly socket: WebSocket) {}

  /** Answers that wait, for what they say or for those before them. */
  get owed(): number {
    return this.answers.length;
  }

  /** Takes the next place for an answer that is not known yet. */
  reserve(): Answer {
    if (this.answers === NONE) this.answers = [];
    const answer: Answer = { text: null };
    this.answers.push(answer);
    return answer;
  }

  /** The answer is known: sends it and those behind it, as far as none before them is missing. */
  fill(answer: Answer, text: string): void {
    answer.text = text;
    for (let first = this.answers[0]; first !== undefined && first.text !== null; first = this.answers[0]) {
      this.answers.shift();
      this.send(first.text);
    }
  }

  /** Sends past the order. False when the socket takes nothing any more. */
  send(text: string): boolean {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(text);
    return true;
  }
}

/** Shared by all that owe nothing, instead of an array each. Never pushed to. */
const NONE: never[] = [];
