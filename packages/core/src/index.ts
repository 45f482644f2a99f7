export * from './contract/index.ts';
export * from './errors/index.ts';
