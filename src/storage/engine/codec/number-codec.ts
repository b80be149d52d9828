/** Single doubles in directories: short for integers and decimals, nine bytes for the others, always bit for bit. */
import { exponentOf, powerOfTen, scaled } from './decimals.js';
import { type ByteReader, type ByteWriter, CorruptDataError } from './varint.js';

const RAW = 0x1f;
const MAX_SHORT_EXPONENT = 6;

/** Appends a byte with the exponent and the scaled integer, or a marker and eight bytes. NaN payloads are not kept. */
export function writeNumber(value: number, writer: ByteWriter): void {
  const exponent = exponentOf(value, 0);
  if (exponent !== -1 && exponent <= MAX_SHORT_EXPONENT) {
    writer.byte(exponent);
    writer.signed53(scaled(value, exponent));
    return;
  }
  writer.byte(RAW);
  const at = writer.claim(8);
  writer.buffer.setFloat64(at, value, true);
}

/** @throws CorruptDataError */
export function readNumber(reader: ByteReader): number {
  const exponent = reader.byte();
  if (exponent === RAW) {
    const at = reader.skip(8);
    return reader.buffer.getFloat64(at, true);
  }
  if (exponent > MAX_SHORT_EXPONENT) throw new CorruptDataError(`a number of form ${exponent}`);
  return reader.signed53() / powerOfTen(exponent);
}
