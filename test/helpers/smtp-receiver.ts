/** A small mail server on 127.0.0.1 that keeps what it gets (RFC 5321, as far as a client of ours goes). */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came, without the stuffed dots. */
  readonly data: string;
  /** User and password it was sent with. */
  readonly login: string | null;
}

export interface SmtpReceiver {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** Lines of all sessions. */
  readonly lines: string[];
  /** Answers to commands instead of the usual ones, by their verb: `RCPT`, `MAIL`, `AUTH`, `.` (the end of the data) … */
  readonly answers: Map<string, string>;
  /** Says nothing at all, not even hello. */
  isSilent: boolean;
  stop(): void;
}

export async function startSmtpReceiver(): Promise<SmtpReceiver> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    if (!receiver.isSilent) serve(socket, receiver);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: SmtpReceiver = {
    port: (server.address() as AddressInfo).port,
    mails: [],
    lines: [],
    answers: new Map(),
    isSilent: false,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return receiver;
}

function serve(socket: Socket, { mails, lines, answers }: SmtpReceiver): void {
  let buffered = '';
  let data: string[] | null = null;
  let mail = { from: '', to: [] as string[], login: null as string | null };
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const end = (): void => {
    mails.push({ ...mail, data: (data ?? []).map((line) => line.replace(/^\.\./, '.')).join('\r\n') });
    mail = { ...mail, from: '', to: [] };
    data = null;
    say(answers.get('.') ?? '250 kept');
  };
  const command = (line: string): void => {
    lines.push(line);
    const [verb = '', ...rest] = line.split(' ');
    const key = verb.toUpperCase();
    const own = answers.get(key);
    if (own !== undefined) return say(own);
    if (key === 'EHLO') return say('250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME');
    if (key === 'AUTH')
      mail.login = Buffer.from(rest[1] ?? '', 'base64')
        .toString('utf8')
        .split('\0')
        .slice(1)
        .join(':');
    if (key === 'MAIL') mail.from = /<(.*)>/.exec(line)?.[1] ?? '';
    if (key === 'RCPT') mail.to.push(/<(.*)>/.exec(line)?.[1] ?? '');
    if (key === 'DATA') data = [];
    say(key === 'DATA' ? '354 go on' : key === 'AUTH' ? '235 welcome' : key === 'QUIT' ? '221 bye' : '250 ok');
    if (key === 'QUIT') socket.end();
  };
  socket.on('data', (chunk) => {
    buffered += chunk.toString('utf8');
    for (let at = buffered.indexOf('\r\n'); at !== -1; at = buffered.indexOf('\r\n')) {
      const line = buffered.slice(0, at);
      buffered = buffered.slice(at + 2);
      if (data === null) command(line);
      else if (line === '.') end();
      else data.push(line);
    }
  });
  say('220 test');
}
