/**
 * One spooled batch as a file. The name says what it holds, so that a spool is known without reading its files:
 * `<seq>-<count>-<fromMs>-<toMs>-<batchId>.json`, seq with leading zeros so that a listing is in order.
 * The content is JSON with a checksum in front: `{"crc32":"0a1b2c3d","batch":{…}}`. A file is written whole or not at all; the
 * checksum is for disks that lose bits.
 */
import { crc32 } from 'node:zlib';
import type { Batch, Metric } from '../model.js';
import { describeMetrics, type SpoolEntry } from './spool.js';

const SEQ_DIGITS = 12;
const NAME = /^(\d{12})-(\d{1,6})-(-?\d{1,16})-(-?\d{1,16})-([0-9a-f-]{36})\.json$/;
/** A file takes a block of the disk at least. */
const LEAST_BYTES = 4_096;
const HEAD_LENGTH = '{"crc32":"00000000","batch":'.length;

/** What is known of a batch, and the content of its file. */
export function encodeBatch(batch: Batch): { entry: SpoolEntry; text: string } {
  const body = JSON.stringify(batch);
  const text = `{"crc32":"${checksum(body)}","batch":${body}}`;
  const { batchId, seq } = batch;
  return { entry: { batchId, seq, ...describeMetrics(batch.metrics), bytes: occupied(Buffer.byteLength(text)) }, text };
}

/** Made anew each time: tens of thousands of them would be most of what the spool takes in memory. */
export function fileNameOf({ batchId, seq, count, fromMs, toMs }: SpoolEntry): string {
  return `${String(seq).padStart(SEQ_DIGITS, '0')}-${count}-${fromMs}-${toMs}-${batchId}.json`;
}

/** What a file of this name and size holds, or null when it is none of ours. */
export function parseFileName(fileName: string, bytes: number): SpoolEntry | null {
  const [, seq, count, fromMs, toMs, batchId] = NAME.exec(fileName) ?? [];
  if (batchId === undefined) return null;
  const numbers = { seq: Number(seq), count: Number(count), fromMs: Number(fromMs), toMs: Number(toMs) };
  const entry = { batchId, ...numbers, bytes: occupied(bytes) };
  return fileNameOf(entry) === fileName ? entry : null;
}

/** @throws Error when this is not, bit by bit, what was written */
export function decodeBatch(text: string, { batchId, seq, count }: SpoolEntry): Batch {
  const body = text.slice(HEAD_LENGTH, -1);
  if (text !== `{"crc32":"${checksum(body)}","batch":${body}}`) throw new Error('its checksum does not match');
  const batch = JSON.parse(body) as Batch;
  if (batch.batchId !== batchId || batch.seq !== seq || (batch.metrics as readonly Metric[] | undefined)?.length !== count) {
    throw new Error('it does not hold what its name says');
  }
  return batch;
}

function occupied(bytes: number): number {
  return Math.max(bytes, LEAST_BYTES);
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
