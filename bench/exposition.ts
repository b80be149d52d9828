/** The server's own figures, from `GET /metrics`. */

export interface Place {
  readonly host: string;
  readonly port: number;
}

export class Exposition {
  private constructor(private readonly lines: readonly string[]) {}

  /** @throws Error when the server does not answer with figures */
  static async read({ host, port }: Place): Promise<Exposition> {
    const answer = await fetch(`http://${host}:${port}/metrics`);
    if (answer.status !== 200) throw new Error(`/metrics was answered ${answer.status}`);
    return new Exposition((await answer.text()).split('\n'));
  }

  /** The figure with exactly these labels, written as in `name{tier="raw"}`; 0 when the server does not know it (yet). */
  value(series: string): number {
    const line = this.lines.find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  }
}
