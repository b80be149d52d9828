/** A small mail server on 127.0.0.1 that keeps what it gets (RFC 5321, as far as a client of ours goes), with the tests' certificate where TLS is asked for. */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { testCertificate, testKey } from './test-certificate.js';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came, without the stuffed dots. */
  readonly data: string;
  /** User and password it was sent with. */
  readonly login: string | null;
  readonly isEncrypted: boolean;
}

/** `starttls`: offered after the hello; `smtps`: from the start. */
export type SmtpTls = 'none' | 'starttls' | 'smtps';

export interface SmtpReceiver {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** Lines of all sessions. */
  readonly lines: string[];
  /** Answers to commands instead of the usual ones, by the whole line or its verb: `RCPT`, `MAIL`, `AUTH`, `.` (the end of the data) … */
  readonly answers: Map<string, string>;
  /** The next mail that nobody has asked for yet, as soon as it is there. */
  next(): Promise<ReceivedMail>;
  /** Resolves when somebody has connected. */
  connected(): Promise<void>;
  /** Says nothing at all, not even hello. */
  isSilent: boolean;
  /** Answers the hello line by line, for ever. */
  isEndless: boolean;
  stop(): void;
}

export async function startSmtpReceiver(tls: SmtpTls = 'none'): Promise<SmtpReceiver> {
  const sockets = new Set<Socket>();
  const kept = new EventEmitter();
  let taken = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    if (!receiver.isSilent)
      serve(tls === 'smtps' ? secured(socket) : socket, receiver, { offersTls: tls === 'starttls', greets: true, kept });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: SmtpReceiver = {
    port: (server.address() as AddressInfo).port,
    mails: [],
    lines: [],
    answers: new Map(),
    isSilent: false,
    isEndless: false,
    async next() {
      while (receiver.mails.length <= taken) await once(kept, 'mail');
      taken += 1;
      return receiver.mails[taken - 1]!;
    },
    async connected() {
      if (sockets.size === 0) await once(server, 'connection');
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return receiver;
}

function secured(socket: Socket): Socket {
  const secure = new TLSSocket(socket, { isServer: true, key: testKey, cert: testCertificate });
  secure.on('error', () => socket.destroy());
  return secure;
}

interface Session {
  readonly offersTls: boolean;
  readonly greets: boolean;
  readonly kept: EventEmitter;
}

function serve(socket: Socket, receiver: SmtpReceiver, { offersTls, greets, kept }: Session): void {
  const { mails, lines, answers } = receiver;
  const isEncrypted = socket instanceof TLSSocket;
  let buffered = '';
  let data: string[] | null = null;
  let mail = { from: '', to: [] as string[], login: null as string | null };
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const end = (): void => {
    mails.push({ ...mail, isEncrypted, data: (data ?? []).map((line) => line.replace(/^\.\./, '.')).join('\r\n') });
    kept.emit('mail');
    mail = { ...mail, from: '', to: [] };
    data = null;
    say(answers.get('.') ?? '250 kept');
  };
  const command = (line: string): void => {
    lines.push(line);
    const [verb = '', ...rest] = line.split(' ');
    const key = verb.toUpperCase();
    if (key === 'EHLO' && receiver.isEndless) {
      const trickle = setInterval(() => say('250-and'), 10);
      socket.once('close', () => clearInterval(trickle));
      return;
    }
    const own = answers.get(line) ?? answers.get(key);
    if (own !== undefined) return say(own);
    if (key === 'EHLO') return say(`250-test\r\n${offersTls ? '250-STARTTLS\r\n' : ''}250-AUTH PLAIN\r\n250 8BITMIME`);
    if (key === 'STARTTLS' && !offersTls) return say('502 not here');
    if (key === 'STARTTLS') {
      say('220 go on');
      socket.removeListener('data', take);
      return serve(secured(socket), receiver, { offersTls: false, greets: false, kept });
    }
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
  const take = (chunk: Buffer): void => {
    buffered += chunk.toString('utf8');
    for (let at = buffered.indexOf('\r\n'); at !== -1; at = buffered.indexOf('\r\n')) {
      const line = buffered.slice(0, at);
      buffered = buffered.slice(at + 2);
      if (data === null) command(line);
      else if (line === '.') end();
      else data.push(line);
    }
  };
  socket.on('data', take);
  if (greets) say('220 test');
}
