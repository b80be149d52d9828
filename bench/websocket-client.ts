/**
 * The agent's end of a WebSocket, and no more than the bench needs of it: upgrade, masked text out, text in.
 *
 * Why not `ws`: as a client it costs about as much per frame as the server spends on receiving it, so on a machine with two
 * cores the generator would be half of what is measured. Here a frame is masked four bytes at a time and written in
 * one go. Masked with a real key: an all-zero one lets the server skip its unmasking, which no real agent does.
 *
 * Messages are cut into fragments as the Go agent's library does it (4 KiB each).
 */
import { randomInt } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';

const OPCODE_TEXT = 1;
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;
const OPCODE_PONG = 10;
const HEADER_BYTES = 8;
const SMALL_PAYLOAD = 126;
const LONGEST_FRAME = 65_535;

export interface ConnectionEvents {
  onText(text: string): void;
  /** The connection ended without being asked to; called at most once, and never after `drop` or `close`. */
  onLost(reason: string): void;
}

/** The server's answer to the upgrade was not 101, or none came. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

const scratch = Buffer.alloc(65_536);
const scratchWords = new Uint32Array(scratch.buffer, scratch.byteOffset, scratch.length / 4);

/**
 * One text message as masked frames of at most `fragmentBytes` payload (0: a single frame). Text must be ASCII.
 * @throws RangeError when the message does not fit 64 kB, or the fragment size is no multiple of 4.
 */
export function encodeMasked(text: string, fragmentBytes: number, maskKey: number): Buffer<ArrayBuffer> {
  const length = text.length;
  if (length > LONGEST_FRAME) throw new RangeError(`message of ${length} bytes is too long for the bench's client`);
  if (fragmentBytes % 4 !== 0) throw new RangeError('fragment size must be a multiple of 4');
  scratch.write(text, 0, 'latin1');
  const step = fragmentBytes === 0 ? LONGEST_FRAME : fragmentBytes;
  const frames = Math.max(Math.ceil(length / step), 1);
  const out = Buffer.from(new ArrayBuffer(length + frames * HEADER_BYTES + 4));
  const words = new Uint32Array(out.buffer, 0, out.length >> 2);
  let offset = 0;
  for (let from = 0, frame = 0; frame < frames; frame += 1, from += step) {
    const size = Math.min(step, length - from);
    out[offset] = (frame === frames - 1 ? 0x80 : 0) | (frame === 0 ? OPCODE_TEXT : 0);
    if (size < SMALL_PAYLOAD) {
      out[offset + 1] = 0x80 | size;
      out.writeUInt32LE(maskKey, offset + 2);
      offset += 6;
      for (let i = 0; i < size; i += 1) out[offset + i] = (scratch[from + i] ?? 0) ^ ((maskKey >>> ((i & 3) * 8)) & 255);
      offset += size;
      continue;
    }
    out[offset + 1] = 0x80 | SMALL_PAYLOAD;
    out.writeUInt16BE(size, offset + 2);
    out.writeUInt32LE(maskKey, offset + 4);
    offset += HEADER_BYTES;
    const fromWord = from >> 2;
    const toWord = offset >> 2;
    // Runs up to three bytes past the end; the next frame, or the cut at the end, takes them away again.
    const count = (size + 3) >> 2;
    for (let i = 0; i < count; i += 1) words[toWord + i] = (scratchWords[fromWord + i] ?? 0) ^ maskKey;
    offset += size;
  }
  return out.subarray(0, offset);
}

function controlFrame(opcode: number, payload: Buffer): Buffer {
  const key = randomInt(1, 0xffff_ffff);
  const frame = Buffer.alloc(6 + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | payload.length;
  frame.writeUInt32LE(key, 2);
  for (let i = 0; i < payload.length; i += 1) frame[6 + i] = (payload[i] ?? 0) ^ ((key >>> ((i & 3) * 8)) & 255);
  return frame;
}

/** An upgraded connection. Get one from `connect`. */
export class WebSocketConnection {
  private pending: Buffer = Buffer.alloc(0);
  private ended = false;

  private constructor(
    private readonly socket: Socket,
    private readonly events: ConnectionEvents,
    private readonly fragmentBytes: number,
  ) {}

  /**
   * Connects and upgrades. Rejects with RefusedError when the connection fails or is answered with anything but 101.
   * Headers are those of the Go agent: no origin, no subprotocol, no extensions.
   */
  static connect(
    target: { host: string; port: number; path: string },
    fragmentBytes: number,
    events: ConnectionEvents,
  ): Promise<WebSocketConnection> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: target.host, port: target.port, noDelay: true });
      const refused = (reason: string): void => {
        socket.destroy();
        reject(new RefusedError(reason));
      };
      let head: Buffer = Buffer.alloc(0);
      const onError = (error: Error): void => refused(error.message);
      const onEnd = (): void => refused('closed before it was upgraded');
      const onData = (chunk: Buffer): void => {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        const statusLine = head.toString('latin1', 0, head.indexOf('\r\n'));
        if (!statusLine.startsWith('HTTP/1.1 101')) return refused(statusLine);
        socket.off('data', onData).off('error', onError).off('close', onEnd);
        const connection = new WebSocketConnection(socket, events, fragmentBytes);
        connection.listen(head.subarray(end + 4));
        resolve(connection);
      };
      socket.on('data', onData).on('error', onError).on('close', onEnd);
      socket.on('connect', () => {
        socket.write(
          `GET ${target.path} HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\nUser-Agent: Go-http-client/1.1\r\n` +
            'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: YmVuY2ggYmVuY2ggYmVuYw==\r\nSec-WebSocket-Version: 13\r\n\r\n',
        );
      });
    });
  }

  sendText(text: string): void {
    this.socket.write(encodeMasked(text, this.fragmentBytes, randomInt(1, 0xffff_ffff)));
  }

  /** Ends the TCP connection without a word, as a network does; `reset` leaves no port waiting behind. */
  drop(reset = false): void {
    this.ended = true;
    if (reset) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  private listen(first: Buffer): void {
    const lost = (reason: string): void => {
      if (this.ended) return;
      this.ended = true;
      this.socket.destroy();
      this.events.onLost(reason);
    };
    this.socket.on('data', (chunk: Buffer) => this.read(chunk, lost));
    this.socket.on('error', (error) => lost(error.message));
    this.socket.on('close', () => lost('connection ended'));
    if (first.length > 0) queueMicrotask(() => this.read(first, lost));
  }

  private read(chunk: Buffer, lost: (reason: string) => void): void {
    const data = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    let offset = 0;
    while (data.length - offset >= 2) {
      const opcode = (data[offset] ?? 0) & 15;
      let size = (data[offset + 1] ?? 0) & 127;
      let start = offset + 2;
      if (size === 126) {
        if (data.length - offset < 4) break;
        size = data.readUInt16BE(offset + 2);
        start += 2;
      } else if (size === 127) {
        return lost('the server sent a frame of more than 64 kB');
      }
      if (data.length - start < size) break;
      const payload = data.subarray(start, start + size);
      offset = start + size;
      if (opcode === OPCODE_TEXT) this.events.onText(payload.toString('utf8'));
      else if (opcode === OPCODE_PING) this.socket.write(controlFrame(OPCODE_PONG, payload));
      else if (opcode === OPCODE_CLOSE) {
        const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        return lost(`closed by the server: ${code} ${payload.toString('utf8', 2)}`);
      } else return lost(`the server sent a frame with opcode ${opcode}`);
      if (this.ended) return;
    }
    this.pending = offset === data.length ? Buffer.alloc(0) : data.subarray(offset);
  }
}
