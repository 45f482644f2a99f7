export { type Database, type DatabaseOptions, openDatabase } from './database.ts';
export type { WriteOptions } from './group-commit.ts';
export { type Migration, migrate, readMigrations } from './migrations.ts';
