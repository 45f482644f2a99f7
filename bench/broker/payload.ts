/** What clients publish that take bytes: 128 of them, with the time of sending in front. */
const size = 128;

export function encode(sentUs: number): Buffer {
  const payload = Buffer.alloc(size, 0x20);
  payload.writeDoubleLE(sentUs, 0);
  return payload;
}

export function sentUsOf(payload: Uint8Array): number {
  return Buffer.from(payload.buffer, payload.byteOffset, 8).readDoubleLE(0);
}
