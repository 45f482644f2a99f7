export { fillStream, type StreamFilling } from './fill-stream.ts';
