export { type Database, type DatabaseOptions, openDatabase } from './database.ts';
export { type Migration, migrate, readMigrations } from './migrations.ts';
