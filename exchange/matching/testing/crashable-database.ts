/** What a process that can die has: what was not committed by then is lost, and nobody hears of it. */
import { type Database, type Logger, openDatabase, platformError, readMigrations } from 'flotilla';

export interface CrashableDatabase extends Database {
  /** The process dies now. */
  crash(): void;
}

export function crashableDatabase(path: string, migrations: URL): CrashableDatabase {
  const database = openDatabase({ path, migrations: readMigrations(migrations) });
  let isDead = false;
  return {
    prepare: (sql) => database.prepare(sql),
    write: (work) =>
      database.write(() => {
        if (isDead) throw platformError('unavailable', 'the process is dead');
        return work();
      }),
    beforeCommit: (hook) => database.beforeCommit(hook),
    afterCommit: (hook) => database.afterCommit(hook),
    close: () => database.close(),
    crash() {
      isDead = true;
      database.close();
    },
  };
}

/** Says nothing once the process is dead. Only warnings and errors are of interest here. */
export function mortalLogger(log: Logger, dead: AbortSignal): Logger {
  return {
    debug() {},
    info() {},
    warn(message, fields) {
      if (!dead.aborted) log.warn(message, fields);
    },
    error(message, fields) {
      if (!dead.aborted) log.error(message, fields);
    },
    child: (fields) => mortalLogger(log.child(fields), dead),
  };
}
